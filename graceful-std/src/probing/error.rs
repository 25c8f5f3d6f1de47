//! Why there is no answer.

use std::error::Error;
use std::fmt;
use std::io;
use std::time::Duration;

use super::Doing;

/// Why a question was not answered.
#[derive(Debug)]
#[non_exhaustive]
pub enum ProbeError {
    /// The connection could not be made.
    Connect {
        /// To which address.
        address: String,
        /// What the system says.
        source: io::Error,
    },
    /// The connection broke off.
    Broken {
        /// What the system says.
        source: io::Error,
    },
    /// The connection ended before the answer did.
    Ended {
        /// How many bytes had come.
        received: usize,
    },
    /// What came is not HTTP.
    NotHttp {
        /// What it is instead.
        problem: String,
    },
    /// The name has no address.
    Resolve {
        /// The name.
        host: String,
        /// What the system says.
        source: io::Error,
    },
    /// The head of the answer is longer than any that is meant.
    TooLarge {
        /// As many bytes are read.
        limit: usize,
    },
    /// It took too long.
    TimedOut {
        /// In the middle of what.
        doing: Doing,
        /// All the time that it was given.
        timeout: Duration,
    },
}

impl ProbeError {
    /// Whether nobody listens there.
    #[must_use]
    pub fn is_refused(&self) -> bool {
        let Self::Connect { source, .. } = self else { return false };
        // A Unix socket that was removed, or that nobody has open.
        matches!(source.kind(), io::ErrorKind::ConnectionRefused | io::ErrorKind::NotFound)
    }

    /// Whether the connection broke off or ended when the answer should have come.
    #[must_use]
    pub fn is_lost(&self) -> bool {
        matches!(self, Self::Broken { .. } | Self::Ended { .. })
    }
}

impl fmt::Display for ProbeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Broken { source } => write!(f, "the connection broke off: {source}"),
            Self::Connect { address, .. } if self.is_refused() => {
                write!(f, "nobody listens at {address}: it has not started, has ended, or listens elsewhere")
            }
            Self::Connect { address, source } => write!(f, "{address} cannot be reached: {source}"),
            Self::Ended { received: 0 } => f.write_str("the connection was closed without an answer"),
            Self::Ended { received } => {
                write!(f, "the connection was closed after {received} bytes, in the middle of the answer")
            }
            Self::NotHttp { problem } => write!(f, "this is not HTTP: {problem}; is it the right port?"),
            Self::Resolve { host, source } => write!(f, "the name {host} cannot be resolved: {source}"),
            Self::TooLarge { limit } => {
                write!(f, "the head of the answer is longer than {limit} bytes; is it the right port?")
            }
            Self::TimedOut { doing, timeout } => write!(f, "no answer within {timeout:?}; the time ran out {doing}"),
        }
    }
}

impl Error for ProbeError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Broken { source } | Self::Connect { source, .. } | Self::Resolve { source, .. } => Some(source),
            Self::Ended { .. } | Self::NotHttp { .. } | Self::TimedOut { .. } | Self::TooLarge { .. } => None,
        }
    }
}
