//! All process-level cases: one behaviour a file.
#![forbid(unsafe_code)]

mod added;
mod early;
mod embedded;
mod endings;
mod engine;
mod engine_backlog;
mod events;
mod examples;
mod exiting;
mod forced;
mod foreign;
mod inherited;
mod linkage;
mod logging;
mod misbehaving;
mod order;
mod pid_1;
mod plan;
mod refused;
mod reload;
mod repeated;
mod signals;
mod starting;
mod stopped;
mod streams;
mod tasks;
mod ui;
mod values;
