//! What handlers may return.

use std::borrow::Cow;
use std::convert::Infallible;
use std::io;

use ::http::{HeaderName, HeaderValue, StatusCode};
use bytes::Bytes;
use graceful_core::BoxError;

use super::body::Body;
use super::error::Error;
use super::response::{self, BYTES, Response, TEXT, complete, lean};

/// What a handler may return.
///
/// | value | response |
/// |---|---|
/// | `()` | 200 without a body |
/// | `&'static str`, `String`, `Cow<'static, str>` | 200, `text/plain; charset=utf-8` |
/// | `&'static [u8]` (and arrays), `Vec<u8>`, [`Bytes`] | 200, `application/octet-stream` |
/// | [`Json(value)`](super::Json) | 200, `application/json` |
/// | [`Body`] | 200, without a media type |
/// | [`file(path)`](super::file()) | 200 and the file, or 404 |
/// | [`sse(function)`](super::sse) | 200, `text/event-stream` |
/// | [`StatusCode`] | that status; an error says its name as text |
/// | `(StatusCode, value)` | the value's response with that status |
/// | `([(name, value)], value)`, `(StatusCode, [(name, value)], value)` | with these headers, which replace the value's own; 500 when one is not valid |
/// | `Option<value>` | 404 for `None` |
/// | `Result<value, error>` | either of them; [`Error`] takes any error through `?` |
/// | [`BoxError`], [`io::Error`] | as [`Error`] answers: 500, or the status of the [`BodyError`](super::BodyError) inside |
/// | [`Response`], `http::Response` of text, bytes or nothing | as it is |
///
/// # Examples
/// ```
/// use graceful::http::{IntoResponse, Response, StatusCode};
///
/// enum OrderError { SoldOut, Unknown }
///
/// impl IntoResponse for OrderError {
///     fn into_response(self) -> Response {
///         match self {
///             Self::SoldOut => (StatusCode::CONFLICT, [("retry-after", "60")], "sold out\n").into_response(),
///             Self::Unknown => StatusCode::NOT_FOUND.into_response(),
///         }
///     }
/// }
/// # assert_eq!(OrderError::SoldOut.into_response().headers()["retry-after"], "60");
/// # assert_eq!(OrderError::Unknown.into_response().status(), 404);
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not what a handler can return",
    label = "not a response",
    note = "return text, bytes, `Json(value)`, a `StatusCode`, `(StatusCode, value)`, a `Response`, or a `Result` or `Option` of these",
    note = "implement `graceful::http::IntoResponse` for types of your own; `graceful::http::Error` takes any error through `?`"
)]
pub trait IntoResponse {
    /// The response.
    fn into_response(self) -> Response;

    /// The response, with its media type perhaps in the body instead of the headers. Who shows it to user code has to
    /// complete it before.
    #[doc(hidden)]
    fn into_lean(self) -> Response
    where
        Self: Sized,
    {
        self.into_response()
    }
}

impl IntoResponse for () {
    fn into_response(self) -> Response {
        Response::new(Body::empty())
    }
}

impl IntoResponse for Infallible {
    fn into_response(self) -> Response {
        match self {}
    }
}

macro_rules! with_media_type {
    ($media_type:ident: $($type:ty),*) => {$(
        impl IntoResponse for $type {
            fn into_response(self) -> Response {
                complete(self.into_lean())
            }

            fn into_lean(self) -> Response {
                lean(&$media_type, self)
            }
        }
    )*};
}

with_media_type!(TEXT: &'static str, String, Cow<'static, str>);
with_media_type!(BYTES: &'static [u8], Vec<u8>, Bytes);

impl<const N: usize> IntoResponse for &'static [u8; N] {
    fn into_response(self) -> Response {
        complete(self.into_lean())
    }

    fn into_lean(self) -> Response {
        lean(&BYTES, self)
    }
}

impl IntoResponse for Body {
    fn into_response(self) -> Response {
        Response::new(self)
    }
}

impl IntoResponse for StatusCode {
    fn into_response(self) -> Response {
        response::status(self)
    }
}

impl<T: Into<Body>> IntoResponse for ::http::Response<T> {
    fn into_response(self) -> Response {
        self.map(Into::into)
    }
}

impl<T: IntoResponse, E: IntoResponse> IntoResponse for Result<T, E> {
    fn into_response(self) -> Response {
        match self {
            Ok(value) => value.into_response(),
            Err(error) => error.into_response(),
        }
    }

    fn into_lean(self) -> Response {
        match self {
            Ok(value) => value.into_lean(),
            Err(error) => error.into_lean(),
        }
    }
}

impl<T: IntoResponse> IntoResponse for Option<T> {
    fn into_response(self) -> Response {
        complete(self.into_lean())
    }

    fn into_lean(self) -> Response {
        match self {
            Some(value) => value.into_lean(),
            None => response::status(StatusCode::NOT_FOUND),
        }
    }
}

impl IntoResponse for BoxError {
    fn into_response(self) -> Response {
        Error::from_boxed(self).into_response()
    }
}

impl IntoResponse for io::Error {
    fn into_response(self) -> Response {
        Error::from(self).into_response()
    }
}

impl<T: IntoResponse> IntoResponse for (StatusCode, T) {
    fn into_response(self) -> Response {
        complete(self.into_lean())
    }

    fn into_lean(self) -> Response {
        let mut response = self.1.into_lean();
        *response.status_mut() = self.0;
        response
    }
}

impl<K, V, T, const N: usize> IntoResponse for ([(K, V); N], T)
where
    K: TryInto<HeaderName, Error: Into<BoxError>>,
    V: TryInto<HeaderValue, Error: Into<BoxError>>,
    T: IntoResponse,
{
    fn into_response(self) -> Response {
        let mut response = self.1.into_response();
        match insert(&mut response, self.0) {
            Ok(()) => response,
            Err(error) => Error::from_boxed(error).into_response(),
        }
    }
}

impl<K, V, T, const N: usize> IntoResponse for (StatusCode, [(K, V); N], T)
where
    K: TryInto<HeaderName, Error: Into<BoxError>>,
    V: TryInto<HeaderValue, Error: Into<BoxError>>,
    T: IntoResponse,
{
    fn into_response(self) -> Response {
        let (status, headers, value) = self;
        let mut response = (status, value).into_response();
        match insert(&mut response, headers) {
            Ok(()) => response,
            Err(error) => Error::from_boxed(error).into_response(),
        }
    }
}

/// A name's first value replaces what is there; further ones are added to it.
fn insert<K, V, const N: usize>(response: &mut Response, headers: [(K, V); N]) -> Result<(), BoxError>
where
    K: TryInto<HeaderName, Error: Into<BoxError>>,
    V: TryInto<HeaderValue, Error: Into<BoxError>>,
{
    let mut given = ::http::HeaderMap::with_capacity(N);
    for (name, value) in headers {
        given.append(name.try_into().map_err(Into::into)?, value.try_into().map_err(Into::into)?);
    }
    response.headers_mut().extend(given);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::Json;
    use crate::http::error::Failure;
    use crate::http::testing::sent;

    fn check(value: impl IntoResponse, status: u16, media_type: Option<&str>, body: &str) {
        let response = value.into_response();
        let found = response.headers().get("content-type").map(|value| value.to_str().expect("visible"));
        assert_eq!((response.status().as_u16(), found), (status, media_type), "{body}");
        assert_eq!(sent(response.into_body()), body);
    }

    const TEXT: Option<&str> = Some("text/plain; charset=utf-8");
    const BYTES: Option<&str> = Some("application/octet-stream");

    #[test]
    fn values_become_responses() {
        check((), 200, None, "");
        check("text", 200, TEXT, "text");
        check("text".to_owned(), 200, TEXT, "text");
        check(Cow::Borrowed("text"), 200, TEXT, "text");
        check(Cow::<'static, str>::Owned("text".into()), 200, TEXT, "text");
        check(Bytes::from_static(b"bytes"), 200, BYTES, "bytes");
        check(b"bytes".to_vec(), 200, BYTES, "bytes");
        check(&b"bytes"[..], 200, BYTES, "bytes");
        check(b"bytes", 200, BYTES, "bytes");
        check(Json(vec![1, 2]), 200, Some("application/json"), "[1,2]");
        check(Body::reader(&b"read"[..]), 200, None, "read");
        check(::http::Response::new("text"), 200, None, "text");
        check(::http::Response::new(()), 200, None, "");
        check(Response::new(Body::from("text")), 200, None, "text");
    }

    #[test]
    fn statuses_become_responses() {
        check(StatusCode::OK, 200, None, "");
        check(StatusCode::NO_CONTENT, 204, None, "");
        check(StatusCode::NOT_MODIFIED, 304, None, "");
        check(StatusCode::NOT_FOUND, 404, TEXT, "404 Not Found\n");
        check(StatusCode::SERVICE_UNAVAILABLE, 503, TEXT, "503 Service Unavailable\n");
        check(StatusCode::from_u16(499).expect("three digits"), 499, TEXT, "499 error\n");
        check((StatusCode::CREATED, "made"), 201, TEXT, "made");
        check((StatusCode::CREATED, Json(7)), 201, Some("application/json"), "7");
    }

    #[test]
    fn options_and_results_become_responses() {
        check(Some("text"), 200, TEXT, "text");
        check(None::<&str>, 404, TEXT, "404 Not Found\n");
        check(Ok::<_, Infallible>("text"), 200, TEXT, "text");
        check(Ok::<_, StatusCode>("text"), 200, TEXT, "text");
        check(Err::<(), _>(StatusCode::CONFLICT), 409, TEXT, "409 Conflict\n");
        check(Err::<(), _>(Error::status(StatusCode::CONFLICT, "taken")), 409, TEXT, "taken\n");
        check(Err::<(), BoxError>("secret".into()), 500, TEXT, "500 Internal Server Error\n");
        check(Err::<(), _>(io::Error::other("secret")), 500, TEXT, "500 Internal Server Error\n");
    }

    #[test]
    fn a_lean_response_is_complete_with_its_media_type() {
        let check = |lean: Response, complete: Response| {
            let carried = lean.body().media_type().expect("in the body");
            assert!(lean.headers().is_empty() && complete.body().media_type().is_none());
            assert_eq!(complete.headers()["content-type"], carried);
            let completed = response::complete(lean);
            assert_eq!((completed.status(), completed.headers()), (complete.status(), complete.headers()));
        };
        check("text".into_lean(), "text".into_response());
        check(b"bytes".into_lean(), b"bytes".into_response());
        check(Json(7).into_lean(), Json(7).into_response());
        check(Some("text").into_lean(), Some("text").into_response());
        check(Ok::<_, ()>("text").into_lean(), Ok::<_, ()>("text").into_response());
        check((StatusCode::CREATED, "text").into_lean(), (StatusCode::CREATED, "text").into_response());
    }

    #[test]
    fn headers_replace_those_of_the_value() {
        let html = ([("content-type", "text/html"), ("x-a", "1"), ("x-a", "2")], "<p>").into_response();
        assert_eq!(html.headers()["content-type"], "text/html");
        assert_eq!(html.headers().get_all("x-a").iter().collect::<Vec<_>>(), ["1", "2"]);
        check((StatusCode::ACCEPTED, [("content-type", "text/html")], "<p>"), 202, Some("text/html"), "<p>");
        check((StatusCode::ACCEPTED, [(::http::header::ETAG, String::from("\"7\""))], ()), 202, None, "");
    }

    #[test]
    fn a_header_that_would_break_the_head_is_an_error() {
        for (name, value) in
            [("x-a", "1\r\nset-cookie: x"), ("x-a\r\nx-b", "1"), ("x a", "1"), ("", "1"), ("x-a", "\0")]
        {
            let response = ([(name, value)], "text").into_response();
            assert_eq!(response.status(), 500, "{name:?}: {value:?}");
            assert!(response.extensions().get::<Failure>().is_some(), "{name:?}: {value:?}");
        }
    }
}
