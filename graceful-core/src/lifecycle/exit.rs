//! How a service ended, and the one table of exit codes.

use std::fmt;

use super::reason::Signal;

/// How it ended. The exit code follows from it alone.
///
/// | outcome | exit code |
/// |---|---|
/// | [`Clean`](Outcome::Clean) | 0 |
/// | [`Failed`](Outcome::Failed) | 1 |
/// | [`Incomplete`](Outcome::Incomplete) | 3, or what `incomplete_exit_code` says |
/// | [`Panicked`](Outcome::Panicked) | 101 |
/// | [`DeadlineExceeded`](Outcome::DeadlineExceeded), [`ForcedByRequest`](Outcome::ForcedByRequest) | 124 |
/// | [`Forced`](Outcome::Forced) | 128 + n |
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Outcome {
    /// Every step completed; nothing was lost, cut, abandoned or skipped for lack of time.
    Clean,
    /// The total ran out and the process was ended where it stood.
    DeadlineExceeded,
    /// The start failed, or `main` or a fatal task returned an error; cleanup ran.
    Failed,
    /// A repeated signal ended the process where it stood.
    Forced(Signal),
    /// [`App::force`](crate::App::force) ended the process where it stood.
    ForcedByRequest,
    /// A step failed or timed out, or connections were cut; the rest ran.
    Incomplete,
    /// `main` or a fatal task panicked; cleanup ran.
    Panicked,
}

/// The exit code of an incomplete shutdown when nothing else is configured.
pub(crate) const INCOMPLETE: u8 = 3;

/// The exit code of the hard deadline, and of an end that was forced without a signal.
pub(crate) const DEADLINE_EXCEEDED: u8 = 124;

impl Outcome {
    /// The exit code, given what an incomplete shutdown is mapped to.
    pub(crate) fn exit_code(self, incomplete: u8) -> u8 {
        match self {
            Self::Clean => 0,
            Self::Failed => 1,
            Self::Incomplete => incomplete,
            Self::Panicked => 101,
            Self::DeadlineExceeded | Self::ForcedByRequest => DEADLINE_EXCEEDED,
            Self::Forced(signal) => forced_code(signal),
        }
    }

    /// The name in logs and reports: `clean`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Clean => "clean",
            Self::DeadlineExceeded => "deadline_exceeded",
            Self::Failed => "failed",
            Self::Forced(_) => "forced",
            Self::ForcedByRequest => "forced_by_request",
            Self::Incomplete => "incomplete",
            Self::Panicked => "panicked",
        }
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// `128 + n`, as shells report a death by signal.
pub(crate) fn forced_code(signal: Signal) -> u8 {
    128 + signal.number()
}
