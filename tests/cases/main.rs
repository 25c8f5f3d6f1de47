//! All process-level cases: one behaviour a file.
#![forbid(unsafe_code)]

mod early;
mod exiting;
mod engine;
mod engine_backlog;
mod forced;
mod linkage;
mod misbehaving;
mod reload;
mod repeated;
mod signals;
mod starting;
mod ui;
