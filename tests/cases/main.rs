//! All process-level cases: one behaviour a file.
#![forbid(unsafe_code)]

mod early;
mod endings;
mod engine;
mod engine_backlog;
mod exiting;
mod forced;
mod linkage;
mod misbehaving;
mod order;
mod refused;
mod reload;
mod repeated;
mod signals;
mod starting;
mod tasks;
mod ui;
mod values;
