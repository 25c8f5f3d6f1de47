//! Why an admin API is refused at start.

use std::error::Error;
use std::fmt;
use std::io;
use std::path::PathBuf;

use graceful_core::{LocalAddress, StartError};

/// Why an admin API is refused at start: the source of a [`StartError::Handler`]. A token is in none of them.
#[non_exhaustive]
pub enum AdminError {
    /// It would be open to the world.
    Exposed {
        /// The address that was bound.
        address: LocalAddress,
    },
    /// The prefix is no path that it could be under.
    Prefix {
        /// The prefix.
        prefix: String,
        /// What is wrong with it.
        problem: &'static str,
    },
    /// The token cannot be used.
    Token {
        /// Where it came from.
        from: String,
        /// What is wrong with it.
        problem: &'static str,
    },
    /// The token's file cannot be read.
    TokenFile {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// There are two tokens.
    TwoTokens,
}

/// The text: see [`StartError`].
impl fmt::Debug for AdminError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl fmt::Display for AdminError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Exposed { address } => write!(
                f,
                "the admin API would be open to the world on {address}: set ADMIN_TOKEN_FILE or ADMIN_TOKEN (16 characters \
                 or more), or listen on a loopback address such as 127.0.0.1:9090"
            ),
            Self::Prefix { prefix, problem } => {
                write!(f, "the admin API's prefix {prefix:?} cannot be used: {problem}; write a path such as /admin")
            }
            Self::Token { from, problem } => write!(f, "the admin token of {from} cannot be used: {problem}"),
            Self::TokenFile { path, source } => {
                write!(f, "the admin token cannot be read from {}: {source}", path.display())
            }
            Self::TwoTokens => f.write_str("ADMIN_TOKEN and ADMIN_TOKEN_FILE are both there: remove one of them"),
        }
    }
}

impl Error for AdminError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::TokenFile { source, .. } => Some(source),
            _ => None,
        }
    }
}

impl From<AdminError> for StartError {
    fn from(error: AdminError) -> Self {
        Self::Handler { source: error.into() }
    }
}
