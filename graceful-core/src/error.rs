//! Why a service did not start.

use std::error::Error;
use std::fmt;
use std::io;
use std::path::PathBuf;

use crate::lifecycle::plan::PlanError;

/// An error of any kind, as user code returns it.
pub type BoxError = Box<dyn Error + Send + Sync>;

/// Why a runtime could not start, or a part of it could not be added. Each says what to do about it.
#[non_exhaustive]
pub enum StartError {
    /// An address could not be bound.
    Bind {
        /// The address as it was written.
        address: String,
        /// What the system said.
        source: io::Error,
    },
    /// An environment variable has a value that cannot be used.
    Environment {
        /// The variable.
        name: String,
        /// Its value.
        value: String,
        /// What it should look like.
        expected: String,
    },
    /// A settings file cannot be used.
    File {
        /// The file.
        path: PathBuf,
        /// Line and column, where there is one that is to blame; from 1.
        place: Option<(usize, usize)>,
        /// What is wrong, and what to do about it.
        problem: String,
    },
    /// The handlers of a server cannot be put together.
    Handler {
        /// What is wrong with them.
        source: BoxError,
    },
    /// A part of the service could not be set up.
    Part {
        /// Which: `metrics`.
        name: &'static str,
        /// What is wrong with it.
        source: BoxError,
    },
    /// The plan cannot be kept.
    Plan(PlanError),
    /// A signal handler could not be installed.
    Signals {
        /// What the system said.
        source: io::Error,
    },
    /// Another runtime of this process handles the signals already.
    SignalsTaken,
    /// A shutdown was requested before the start was complete.
    Stopping,
    /// A thread could not be started.
    Thread {
        /// What it was for.
        name: String,
        /// What the system said.
        source: io::Error,
    },
}

/// The text, as for [`Display`](fmt::Display): whoever boxes an error has its `Debug` linked too, and a derived one is more code
/// than the sentences.
impl fmt::Debug for StartError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl fmt::Display for StartError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bind { address, source } => {
                write!(f, "cannot listen on {address}: {source}")?;
                match source.kind() {
                    io::ErrorKind::AddrInUse => f.write_str("; stop what listens there, or choose another address"),
                    io::ErrorKind::PermissionDenied if address.starts_with("unix:") => {
                        f.write_str("; the user of the service must be allowed to write to the directory")
                    }
                    io::ErrorKind::PermissionDenied => {
                        f.write_str("; ports below 1024 need privileges (CAP_NET_BIND_SERVICE), or choose a higher one")
                    }
                    io::ErrorKind::InvalidInput => f.write_str("; write HOST:PORT, as in 127.0.0.1:8080, or unix:/path"),
                    _ => Ok(()),
                }
            }
            Self::Environment { name, value, expected } => {
                write!(f, "environment variable {name}={value:?} cannot be used: {expected}")
            }
            Self::File { path, place, problem } => {
                path.display().fmt(f)?;
                if let Some((line, column)) = place {
                    write!(f, ":{line}:{column}")?;
                }
                write!(f, ": {problem}")
            }
            Self::Handler { source } => source.fmt(f),
            Self::Part { name, source } => write!(f, "{name}: {source}"),
            Self::Plan(error) => error.fmt(f),
            Self::Signals { source } => write!(f, "cannot install the signal handlers: {source}"),
            Self::SignalsTaken => f.write_str(
                "another runtime of this process handles the signals already; build this one with `.signals(Signals::Leave)`",
            ),
            Self::Stopping => f.write_str("a shutdown was requested before the start was complete"),
            Self::Thread { name, source } => {
                write!(f, "cannot start the thread for {name}: {source}; raise the limit on processes (ulimit -u, pids.max)")
            }
        }
    }
}

impl Error for StartError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Bind { source, .. } | Self::Signals { source } | Self::Thread { source, .. } => Some(source),
            Self::Handler { source } | Self::Part { source, .. } => Some(&**source),
            Self::Plan(error) => Some(error),
            Self::Environment { .. } | Self::File { .. } | Self::SignalsTaken | Self::Stopping => None,
        }
    }
}

impl From<PlanError> for StartError {
    fn from(error: PlanError) -> Self {
        Self::Plan(error)
    }
}
