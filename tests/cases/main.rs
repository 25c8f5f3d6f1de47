//! All process-level cases: one behaviour a file.
#![forbid(unsafe_code)]

mod forced;
mod reload;
mod repeated;
mod signals;
mod ui;
