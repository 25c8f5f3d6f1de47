//! One question over HTTP, with a deadline over all of it: how a service is asked whether it is ready.
//!
//! No redirects, no TLS, no proxies, no cookies: whoever asks a probe asks the service itself.

mod connect;
mod error;
mod exchange;
mod target;

use std::fmt;
use std::time::{Duration, Instant};

pub use connect::Link;
pub use error::ProbeError;
pub use exchange::Answer;
pub use target::{Place, Target};

/// What is asked.
#[derive(Clone, Copy, Debug)]
pub struct Question<'a> {
    /// `GET` or `POST`.
    pub method: &'static str,
    /// The path, with its query.
    pub path: &'a str,
    /// What is sent as a bearer token.
    pub token: Option<&'a str>,
    /// Whether the connection may be used again.
    pub after: After,
}

/// What becomes of the connection behind an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum After {
    /// It is closed.
    Close,
    /// It is kept open.
    Keep,
}

impl<'a> Question<'a> {
    /// A `GET` whose answer is the connection's last.
    #[must_use]
    pub fn get(path: &'a str) -> Self {
        Self { method: "GET", path, token: None, after: After::Close }
    }
}

/// When the time of an exchange is over.
#[derive(Clone, Copy, Debug)]
pub struct Until {
    deadline: Instant,
    timeout: Duration,
}

impl Until {
    /// So much from now.
    #[must_use]
    pub fn within(timeout: Duration) -> Self {
        let now = Instant::now();
        // A day is longer than anybody waits, and far from an overflow.
        Self { deadline: now + timeout.min(Duration::from_secs(86_400)), timeout }
    }

    /// What is left, or that nothing is.
    fn left(self, doing: Doing) -> Result<Duration, ProbeError> {
        let left = self.deadline.saturating_duration_since(Instant::now());
        if left.is_zero() { Err(self.over(doing)) } else { Ok(left) }
    }

    fn over(self, doing: Doing) -> ProbeError {
        ProbeError::TimedOut { doing, timeout: self.timeout }
    }
}

/// What a deadline was met in the middle of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Doing {
    /// The answer.
    Answering,
    /// The connection.
    Connecting,
    /// The look-up of the name.
    Resolving,
}

impl fmt::Display for Doing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Answering => "while it was to answer",
            Self::Connecting => "while connecting",
            Self::Resolving => "while its name was looked up",
        })
    }
}

/// Asks once. `note` hears of each step.
///
/// # Errors
/// [`ProbeError`]: whatever else happens than an answer.
///
/// # Blocking
/// For `timeout` at most. The look-up of a name cannot be interrupted: one that hangs keeps a thread for as long as the system
/// lets it hang.
pub fn ask(target: &Target, timeout: Duration, note: &mut dyn FnMut(fmt::Arguments<'_>)) -> Result<Answer, ProbeError> {
    let until = Until::within(timeout);
    let mut link = Link::open(&target.place, until, note)?;
    note(format_args!("GET {}", target.path));
    link.ask(&target.place, Question::get(&target.path), until)
}
