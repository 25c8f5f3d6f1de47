//! What can go wrong.

use std::error::Error as StdError;
use std::fmt;

use ::redis::RedisError;

use crate::pool::{PoolError, PoolLeft};

/// Why something did not work.
#[derive(Debug)]
#[non_exhaustive]
pub enum Error {
    /// It is closed, or being closed.
    Closed,
    /// The server said so, or the connection to it broke.
    Command(RedisError),
    /// Too many commands are pending, as they cannot be sent.
    Full,
    /// There is no connection.
    Pool(PoolError),
    /// No thread could be started.
    Thread(std::io::Error),
}

/// Commands that were pending and are not done.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Unflushed {
    /// How many have no answer: it is not known whether they were done.
    pub left: usize,
    /// How many the server refused. They are not tried again.
    pub refused: usize,
    /// The last error.
    pub error: Option<String>,
}

/// What [`Redis::close`](super::Redis::close) could not end well. Its text names everything.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct RedisLeft {
    /// Commands that were ended because they were still running, and for how long they had.
    pub cancelled: Vec<String>,
    /// Connections that did not come back.
    pub pool: Option<Box<PoolLeft>>,
    /// Subscriptions whose thread did not end, by their channels.
    pub subscriptions: Vec<String>,
    /// Commands that were pending.
    pub unflushed: Option<Unflushed>,
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Closed => {
                f.write_str("redis is closed, as the service is stopping; close it after the last who needs it")
            }
            Self::Command(error) => write!(f, "redis: {error}"),
            Self::Full => f.write_str("too many redis commands are pending, as they cannot be sent"),
            Self::Pool(error) => error.fmt(f),
            Self::Thread(error) => write!(f, "redis: no thread for the subscription: {error}"),
        }
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        match self {
            Self::Closed | Self::Full => None,
            Self::Command(error) => Some(error),
            Self::Pool(error) => error.source(),
            Self::Thread(error) => Some(error),
        }
    }
}

impl From<RedisError> for Error {
    fn from(error: RedisError) -> Self {
        Self::Command(error)
    }
}

impl From<PoolError> for Error {
    fn from(error: PoolError) -> Self {
        Self::Pool(error)
    }
}

impl fmt::Display for Unflushed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { left, refused, error } = self;
        match (left, refused) {
            (_, 0) => write!(f, "{left} pending commands were not answered")?,
            (0, _) => write!(f, "{refused} pending commands were refused")?,
            _ => write!(f, "{left} pending commands were not answered, {refused} were refused")?,
        }
        error.iter().try_for_each(|error| write!(f, ": {error}"))
    }
}

impl StdError for Unflushed {}

impl fmt::Display for RedisLeft {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { cancelled, pool, subscriptions, unflushed } = self;
        let mut parts = Vec::new();
        parts.extend(unflushed.iter().map(ToString::to_string));
        parts.extend(subscriptions.iter().map(|name| format!("the subscription to {name} did not end")));
        parts.extend(cancelled.iter().map(|command| format!("cancelled {command}")));
        // It begins with the pool's name.
        parts.extend(pool.iter().map(|left| left.to_string().trim_start_matches("redis: ").to_owned()));
        write!(f, "redis: {}", parts.join("; "))
    }
}

impl StdError for RedisLeft {}

impl RedisLeft {
    pub(super) fn is_nothing(&self) -> bool {
        *self == Self::default()
    }
}
