//! What handlers fail with.

use std::any::Any;
use std::borrow::Cow;
use std::fmt;
use std::io;
use std::sync::Arc;

use ::http::StatusCode;
use graceful_core::BoxError;

use super::body_error::BodyError;
use super::into_response::IntoResponse;
use super::response::{self, Response};

/// What a handler fails with: a status and a message for the client, or any other error through `?`.
///
/// An error that came through `?` is answered with 500 and the name of that status. Its own text is for the log: it may
/// contain what is nobody's business, and is attached to the response as a [`Failure`] instead.
/// A [`BodyError`] is the client's doing and keeps its status and its text, inside of an [`io::Error`] too.
///
/// It does not implement [`std::error::Error`], which is what lets `?` take every type that does.
///
/// # Examples
/// ```
/// use graceful::http::{Error, Request, StatusCode};
///
/// fn read(request: Request) -> Result<String, Error> {
///     let id: u64 = request.parse_param("id")?;                             // 400
///     if id == 0 {
///         return Err(Error::status(StatusCode::NOT_FOUND, "no such note"));
///     }
///     Ok(std::fs::read_to_string(format!("notes/{id}"))?)                   // 500; why is logged
/// }
/// # let _ = graceful::http::Router::new().get("/notes/{id}", read);
/// ```
#[derive(Debug)]
pub struct Error {
    status: StatusCode,
    /// For the client. `None`: the name of the status.
    message: Option<Cow<'static, str>>,
    /// For the log.
    cause: Option<BoxError>,
}

/// Why a response is an error, for the log: an extension of responses that an [`Error`] made, seen by middleware and by the
/// server, which logs it.
///
/// # Examples
/// ```
/// use graceful::http::{Error, Failure, IntoResponse};
///
/// let response = Error::from(std::io::Error::other("disk full")).into_response();
/// let failure = response.extensions().get::<Failure>().expect("attached");
/// assert_eq!(failure.to_string(), "disk full");
/// ```
#[derive(Clone, Debug)]
pub struct Failure(Arc<dyn std::error::Error + Send + Sync>);

impl Error {
    /// An error that the client is told about in these words, as `text/plain`.
    pub fn status(status: StatusCode, message: impl Into<Cow<'static, str>>) -> Self {
        Self { status, message: Some(message.into()), cause: None }
    }

    /// What `?` does, for an error that is in a box already.
    #[must_use]
    pub fn from_boxed(error: BoxError) -> Self {
        let body = match error.downcast_ref::<BodyError>() {
            Some(body) => Some(body),
            None => error.downcast_ref().and_then(BodyError::inside),
        };
        match body {
            Some(body) => Self::of_body(body),
            None => Self { status: StatusCode::INTERNAL_SERVER_ERROR, message: None, cause: Some(error) },
        }
    }

    /// Adds what is behind it, for the log.
    #[must_use]
    pub fn caused_by(mut self, cause: impl Into<BoxError>) -> Self {
        self.cause = Some(cause.into());
        self
    }

    pub(crate) fn internal(what: String) -> Self {
        Self::from_boxed(what.into())
    }

    /// The status of the response that it makes.
    #[must_use]
    pub fn status_code(&self) -> StatusCode {
        self.status
    }

    /// What is behind it. The client is not told.
    #[must_use]
    pub fn cause(&self) -> Option<&(dyn std::error::Error + Send + Sync + 'static)> {
        self.cause.as_deref()
    }

    fn of_body(error: &BodyError) -> Self {
        Self::status(error.status(), error.to_string())
    }
}

impl Failure {
    /// The error.
    #[must_use]
    pub fn error(&self) -> &(dyn std::error::Error + Send + Sync + 'static) {
        &*self.0
    }
}

impl<E: std::error::Error + Send + Sync + 'static> From<E> for Error {
    fn from(error: E) -> Self {
        let any: &dyn Any = &error;
        let body = match any.downcast_ref::<BodyError>() {
            Some(body) => Some(body),
            None => any.downcast_ref::<io::Error>().and_then(BodyError::inside),
        };
        match body {
            Some(body) => Self::of_body(body),
            None => Self::from_boxed(Box::new(error)),
        }
    }
}

impl IntoResponse for Error {
    fn into_response(self) -> Response {
        let mut response = match self.message {
            Some(message) => response::text(self.status, format!("{message}\n")),
            None => response::status(self.status),
        };
        if let Some(cause) = self.cause {
            response.extensions_mut().insert(Failure(Arc::from(cause)));
        }
        response
    }
}

/// For the log: what the client is told, and what is behind it.
impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.message {
            Some(message) => write!(f, "{}: {message}", self.status.as_str())?,
            None => self.status.fmt(f)?,
        }
        match &self.cause {
            Some(cause) => write!(f, ": {cause}"),
            None => Ok(()),
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::testing::sent;

    fn check(error: Error, status: u16, told: &str, logged: Option<&str>) {
        let response = error.into_response();
        let failure = response.extensions().get::<Failure>().map(ToString::to_string);
        assert_eq!((response.status().as_u16(), failure.as_deref()), (status, logged), "{told}");
        assert_eq!(sent(response.into_body()), told);
    }

    #[test]
    fn the_client_is_told_what_it_may_know() {
        let secret = || io::Error::other("password wrong for root");
        check(Error::status(StatusCode::GONE, "too late"), 410, "too late\n", None);
        check(Error::from(secret()), 500, "500 Internal Server Error\n", Some("password wrong for root"));
        check(Error::from_boxed("boxed".into()), 500, "500 Internal Server Error\n", Some("boxed"));
        let both = Error::status(StatusCode::BAD_GATEWAY, "try again").caused_by(secret());
        check(both, 502, "try again\n", Some("password wrong for root"));
    }

    #[test]
    fn a_body_error_keeps_its_status_on_every_way() {
        let told = "the body is longer than 7 bytes\n";
        let error = || BodyError::TooLarge { limit: 7 };
        check(Error::from(error()), 413, told, None);
        check(Error::from(io::Error::from(error())), 413, told, None);
        check(Error::from_boxed(Box::new(error())), 413, told, None);
        check(Error::from_boxed(Box::new(io::Error::from(error()))), 413, told, None);
    }

    #[test]
    fn question_marks_work() {
        fn handler(fail: bool) -> Result<(), Error> {
            if fail {
                "x".parse::<u8>()?;
            }
            Err(Error::status(StatusCode::IM_A_TEAPOT, "short and stout"))?
        }
        assert_eq!(
            handler(true).expect_err("fails").to_string(),
            "500 Internal Server Error: invalid digit found in string"
        );
        assert_eq!(handler(false).expect_err("fails").to_string(), "418: short and stout");
    }
}
