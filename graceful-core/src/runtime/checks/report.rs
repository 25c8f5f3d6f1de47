//! What is known of a check, as data.

use std::fmt;
use std::time::{Duration, Instant};

use crate::lifecycle::checks::{CheckKind, Criticality};

/// What is known of a check at one moment; see [`App::checks`](crate::App::checks).
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct CheckReport {
    /// Its name.
    pub name: String,
    /// What it asks.
    pub kind: CheckKind,
    /// Whether it decides anything.
    pub criticality: Criticality,
    /// What it has come to, by its thresholds.
    pub status: CheckStatus,
    /// Since when it has had this status.
    pub since: Instant,
    /// How its last run ended; `None` before the first has.
    pub last: Option<CheckOutcome>,
    /// How long that run took, or had taken when its time was over.
    pub took: Option<Duration>,
    /// Since when a run is under way, or hangs.
    pub running_since: Option<Instant>,
    /// How often it was begun.
    pub runs: u64,
    /// How many times in a row it has failed up to now. One that hangs fails once more at each of its turns.
    pub failures_in_a_row: u32,
}

/// What a check has come to, by its thresholds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum CheckStatus {
    /// It failed at its first run, or as often in a row as it may not.
    Failing,
    /// It passed at its first run, or as often in a row as it has to.
    Passing,
    /// No run has ended yet.
    Unknown,
}

impl CheckStatus {
    /// The name in logs and answers: `failing`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Failing => "failing",
            Self::Passing => "passing",
            Self::Unknown => "unknown",
        }
    }
}

impl fmt::Display for CheckStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// How a run of a check ended. [`Display`](fmt::Display) says it in words.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum CheckOutcome {
    /// It returned this error, or could not run for this reason: a value that it asks for was not provided.
    Failed(String),
    /// It panicked, with this message.
    Panicked(String),
    /// It returned.
    Passed,
    /// It did not return in time. It is not begun again until it has.
    TimedOut {
        /// The time it had.
        timeout: Duration,
        /// Where it hangs, as far as the system tells.
        stuck: Option<String>,
    },
}

impl fmt::Display for CheckOutcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Failed(error) => f.write_str(error),
            Self::Panicked(message) => write!(f, "panicked: {message}"),
            Self::Passed => f.write_str("passed"),
            Self::TimedOut { timeout, stuck } => {
                write!(f, "timed out after {}", crate::observe::show(*timeout))?;
                stuck.as_ref().map_or(Ok(()), |stuck| write!(f, ", {stuck}"))
            }
        }
    }
}
