//! All process-level cases: one behaviour a file.
#![forbid(unsafe_code)]

mod signals;
mod ui;
