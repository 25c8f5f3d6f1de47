//! What can go wrong with a pool.

use std::error::Error;
use std::fmt;
use std::time::Duration;

use graceful_core::BoxError;

use super::Holder;
use super::holder::List;

/// Why there is no connection.
#[derive(Debug)]
#[non_exhaustive]
pub enum PoolError {
    /// The pool is closed, or being closed.
    Closed {
        /// The pool's name.
        name: String,
    },
    /// No connection could be opened.
    Connect {
        /// The pool's name.
        name: String,
        /// How long it was tried.
        waited: Duration,
        /// The last error.
        source: BoxError,
    },
    /// No connection came free.
    TimedOut {
        /// The pool's name.
        name: String,
        /// How long it was waited for one.
        waited: Duration,
        /// Those who have one, the longest first.
        holders: Vec<Holder>,
    },
}

/// What a pool could not close in time.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct PoolLeft {
    /// The pool's name.
    pub name: String,
    /// Connections that nobody had when the closing began.
    pub idle: usize,
    /// Connections that came back by themselves.
    pub returned: usize,
    /// Connections that came back after what they did was cancelled.
    pub cancelled: usize,
    /// Those who still have one, the longest first.
    pub abandoned: Vec<Holder>,
    /// What went wrong with those that had come back.
    pub error: Option<String>,
}

impl fmt::Display for PoolError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Closed { name } => {
                write!(
                    f,
                    "{name}: the pool is closed, as the service is stopping; close it after the last who needs it"
                )
            }
            Self::Connect { name, waited, source } => {
                write!(f, "{name}: no connection could be opened within {waited:.1?}: {source}")
            }
            Self::TimedOut { name, waited, holders } => {
                write!(f, "{name}: no connection came free within {waited:.1?}; ")?;
                write!(f, "return them sooner or make the pool larger; they are with: {}", List(holders))
            }
        }
    }
}

impl Error for PoolError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Connect { source, .. } => Some(&**source),
            Self::Closed { .. } | Self::TimedOut { .. } => None,
        }
    }
}

impl fmt::Display for PoolLeft {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { name, idle, returned, cancelled, abandoned, error } = self;
        write!(f, "{name}: ")?;
        match abandoned.len() {
            0 => {}
            1 => write!(f, "1 connection did not come back in time: {}; ", List(abandoned))?,
            many => write!(f, "{many} connections did not come back in time: {}; ", List(abandoned))?,
        }
        if let Some(error) = error {
            write!(f, "{error}; ")?;
        }
        write!(f, "the others: {idle} idle, {returned} returned, {cancelled} cancelled")
    }
}

impl Error for PoolLeft {}
