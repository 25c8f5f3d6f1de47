//! What can go wrong.

use std::error::Error as StdError;
use std::fmt;
use std::io;

use graceful_core::BoxError;

/// Why something did not work.
#[derive(Debug)]
#[non_exhaustive]
pub enum Error {
    /// It is drained, or being drained.
    Closed,
    /// There is no connection.
    Connect {
        /// Where to; without user and password.
        address: String,
        /// Why.
        source: BoxError,
    },
    /// Too much is published that the server has not confirmed, as it is out of reach or too slow.
    Full,
    /// No subject, or one that is not allowed here.
    Invalid(String),
    /// The connection broke before the server had confirmed so many messages: they may be lost, or not.
    Lost(usize),
    /// Nobody listens to that subject.
    NoResponders,
    /// The driver or the server said so.
    Refused(String),
    /// No thread or runtime could be started.
    Thread(io::Error),
    /// The server did not answer in time.
    TimedOut,
    /// More than the server takes.
    TooLarge {
        /// Of the message.
        bytes: usize,
        /// The most that the server takes.
        limit: usize,
    },
}

/// What [`Nats::drain`](super::Nats::drain) could not end well. Its text names everything.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct NatsLeft {
    /// Messages that subscriptions lost because they were full, since the start.
    pub dropped: u64,
    /// Messages that were written to a connection that broke before the server had confirmed them.
    pub lost: usize,
    /// Subscriptions that the server could not be told to end, by their subject.
    pub subscriptions: Vec<String>,
    /// Messages that were published and that the server has not confirmed.
    pub unconfirmed: usize,
    /// Messages that were received and not handled, by subject.
    pub unread: Vec<(String, u64)>,
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("nats: ")?;
        match self {
            Self::Closed => {
                f.write_str("it is drained, as the service is stopping; drain it after the last who needs it")
            }
            Self::Connect { address, source } => write!(f, "no connection to {address}: {source}"),
            Self::Full => f.write_str("too many messages are not confirmed; is the server there?"),
            Self::Invalid(subject) => write!(f, "{subject:?} is no subject for that"),
            Self::Lost(0) => f.write_str("the connection broke"),
            Self::Lost(count) => write!(f, "the connection broke before {count} messages were confirmed"),
            Self::NoResponders => f.write_str("nobody answers requests of that subject"),
            Self::Refused(error) => f.write_str(error),
            Self::Thread(error) => write!(f, "no thread: {error}"),
            Self::TimedOut => f.write_str("no answer in time"),
            Self::TooLarge { bytes, limit } => write!(f, "{bytes} bytes are more than the server takes ({limit})"),
        }
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        match self {
            Self::Connect { source, .. } => Some(&**source),
            Self::Thread(error) => Some(error),
            _ => None,
        }
    }
}

impl NatsLeft {
    pub(super) fn is_nothing(&self) -> bool {
        *self == Self::default()
    }
}

impl fmt::Display for NatsLeft {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { dropped, lost, subscriptions, unconfirmed, unread } = self;
        let mut parts = Vec::new();
        if *unconfirmed > 0 {
            parts.push(format!("{unconfirmed} messages were not confirmed in time"));
        }
        if *lost > 0 {
            parts.push(format!("{lost} messages were not confirmed before the connection broke"));
        }
        parts.extend(unread.iter().map(|(subject, count)| format!("{count} messages of {subject} were not handled")));
        parts.extend(subscriptions.iter().map(|subject| format!("the subscription to {subject} did not end")));
        if *dropped > 0 {
            parts.push(format!("{dropped} messages were dropped, as subscriptions were full"));
        }
        write!(f, "nats: {}", parts.join("; "))
    }
}

impl StdError for NatsLeft {}
