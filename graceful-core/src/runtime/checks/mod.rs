//! Checks of readiness and liveness: run in the background, judged by thresholds, read without waiting.
//!
//! ```text
//! Check -> Board (a row each) <── gf-checks: begins what is due, judges what is late
//!            │        ▲
//!          Flags      └───────── gf-check-NAME: runs one check once, and is joined
//!            │
//!   App::is_ready, App::is_alive
//! ```
//!
//! `schedule` and `course` are pure: they are told the time, and know of no thread.
//!
//! Nothing in here is linked into a program without a check: a registration and a [`Check`] carry a pointer to the
//! [`CheckRunner`], and what the rest of the runtime calls is behind [`Health`].

mod access;
mod board;
mod check;
mod course;
mod health;
mod listing;
mod report;
mod runner;
mod schedule;
mod scheduler;
#[cfg(test)]
mod simulation;

pub use check::Check;
pub(crate) use health::Health;
pub use report::{CheckOutcome, CheckReport, CheckStatus};
pub use runner::CheckRunner;
