//! The pure part: no I/O, no clock, no threads.
//!
//! ```text
//! what the user wrote -> Plan (refused if it cannot be kept) -> Machine::event(now, ..) -> poll_action() -> Report -> exit code
//! ```

pub(crate) mod budget;
pub(crate) mod checks;
pub(crate) mod escalation;
pub(crate) mod exit;
mod failures;
pub(crate) mod hooks;
pub(crate) mod json;
pub(crate) mod machine;
pub(crate) mod phase;
pub(crate) mod plan;
pub(crate) mod rank;
pub(crate) mod reason;
pub(crate) mod report;
pub(crate) mod report_json;
#[cfg(test)]
mod simulation;
