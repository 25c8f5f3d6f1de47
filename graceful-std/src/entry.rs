//! What the attributes expand to: the core's part, with what features of this crate put before `main`.
//! Not for use by hand: it may change with every release.

#[cfg(feature = "health")]
use std::process::ExitCode;

pub use graceful_core::__private::*;
#[cfg(feature = "health")]
use graceful_core::App;

/// Runs the health check when that is what the program was started for, else the service.
///
/// # Blocking
/// Until either has ended.
// It takes the place of the core's, which the line above brings.
#[cfg(feature = "health")]
pub fn main(spec: MainSpec, body: impl FnOnce(&App) -> Result<(), CallError>) -> ExitCode {
    match crate::health::command() {
        Some(code) => code,
        None => graceful_core::__private::main(spec, body),
    }
}

/// The path of a settings file. It is here only where there is something that reads one.
#[cfg(feature = "config")]
#[must_use]
pub const fn settings_file(path: &'static str) -> &'static str {
    path
}
