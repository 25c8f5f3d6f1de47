//! Why a body could not be read, and what the client is told.

use std::fmt;
use std::io;

use ::http::StatusCode;

use super::into_response::IntoResponse;
use super::response::{self, Response};

/// Why a [`Body`](super::Body) could not be read.
///
/// It is a response of its own: what it says is about what the client sent, and may be told to it.
///
/// | error | status |
/// |---|---|
/// | `Io`, `Json`, `Malformed`, `NotText` | 400 |
/// | `TimedOut` | 408 |
/// | `TooLarge` | 413 |
/// | `Unreadable` | 500 |
///
/// Inside of an [`io::Error`], as [`Read`](std::io::Read) returns it, it stays what it is: [`Error`](super::Error) finds it
/// there.
#[non_exhaustive]
pub enum BodyError {
    /// The connection failed, or ended before the body did.
    Io(io::Error),
    /// It is not JSON, or not what was asked for.
    Json(serde_json::Error),
    /// It is not framed as it should be.
    Malformed(&'static str),
    /// It is not UTF-8.
    NotText,
    /// The client took too long.
    TimedOut,
    /// It is longer than allowed.
    TooLarge {
        /// How long it may be, in bytes.
        limit: u64,
    },
    /// It is the body of a response that a function writes.
    Unreadable,
}

impl BodyError {
    /// The status of the response that it makes.
    #[must_use]
    pub fn status(&self) -> StatusCode {
        match self {
            Self::Io(_) | Self::Json(_) | Self::Malformed(_) | Self::NotText => StatusCode::BAD_REQUEST,
            Self::TimedOut => StatusCode::REQUEST_TIMEOUT,
            Self::TooLarge { .. } => StatusCode::PAYLOAD_TOO_LARGE,
            Self::Unreadable => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    /// The one inside of an error of [`Read`](std::io::Read), if it is one.
    pub(crate) fn inside(error: &io::Error) -> Option<&Self> {
        error.get_ref()?.downcast_ref()
    }
}

/// What it came from, if it was a body's error.
impl From<io::Error> for BodyError {
    fn from(error: io::Error) -> Self {
        match error.downcast::<Self>() {
            Ok(body) => body,
            Err(error) if error.kind() == io::ErrorKind::TimedOut => Self::TimedOut,
            Err(error) => Self::Io(error),
        }
    }
}

impl From<BodyError> for io::Error {
    fn from(error: BodyError) -> Self {
        let kind = match error {
            BodyError::Io(error) => return error,
            BodyError::Json(_) | BodyError::Malformed(_) | BodyError::NotText => io::ErrorKind::InvalidData,
            BodyError::TimedOut => io::ErrorKind::TimedOut,
            BodyError::TooLarge { .. } => io::ErrorKind::FileTooLarge,
            BodyError::Unreadable => io::ErrorKind::Unsupported,
        };
        Self::new(kind, error)
    }
}

/// The text: see [`StartError`](crate::StartError).
impl fmt::Debug for BodyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl fmt::Display for BodyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Io(error) => write!(f, "the body could not be read: {error}"),
            Self::Json(error) => write!(f, "the body is not the expected JSON: {error}"),
            Self::Malformed(what) => write!(f, "the body is malformed: {what}"),
            Self::NotText => f.write_str("the body is not UTF-8 text"),
            Self::TimedOut => f.write_str("the body took too long to arrive"),
            Self::TooLarge { limit } => write!(f, "the body is longer than {limit} bytes"),
            Self::Unreadable => f.write_str("a body that a function writes cannot be read"),
        }
    }
}

impl std::error::Error for BodyError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Io(error) => Some(error),
            Self::Json(error) => Some(error),
            _ => None,
        }
    }
}

impl IntoResponse for BodyError {
    fn into_response(self) -> Response {
        response::text(self.status(), self.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn survives_the_way_through_an_io_error() {
        let check = |error: BodyError, status: u16| {
            let told = error.to_string();
            assert_eq!(error.status(), status);
            let back = BodyError::from(io::Error::from(error));
            assert_eq!((back.status().as_u16(), back.to_string()), (status, told));
        };
        check(BodyError::Malformed("a chunk's size is not a number"), 400);
        check(BodyError::NotText, 400);
        check(BodyError::TimedOut, 408);
        check(BodyError::TooLarge { limit: 7 }, 413);
        check(BodyError::Unreadable, 500);
        check(BodyError::Io(io::ErrorKind::UnexpectedEof.into()), 400);
    }

    #[test]
    fn a_read_that_timed_out_is_a_late_client() {
        let error = BodyError::from(io::Error::from(io::ErrorKind::TimedOut));
        assert_eq!(error.status(), StatusCode::REQUEST_TIMEOUT);
    }
}
