//! What a handler answers with.

use ::http::StatusCode;
use ::http::header::{CONTENT_TYPE, HeaderValue};

use super::body::Body;

/// A response: the `http` crate's, with a [`Body`].
///
/// Handlers return anything that [becomes one](super::IntoResponse); this is the form that has everything.
///
/// The server adds `content-length` or `transfer-encoding`, `connection` and `date`.
///
/// # Examples
/// ```
/// use graceful::http::{Body, Response, StatusCode};
///
/// let mut response = Response::new(Body::from("moved\n"));
/// *response.status_mut() = StatusCode::SEE_OTHER;
/// response.headers_mut().insert("location", "/orders/7".parse()?);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub type Response = ::http::Response<Body>;

pub(crate) static TEXT: HeaderValue = HeaderValue::from_static("text/plain; charset=utf-8");
pub(crate) static BYTES: HeaderValue = HeaderValue::from_static("application/octet-stream");
pub(crate) static JSON: HeaderValue = HeaderValue::from_static("application/json");

/// 200 with a body of that media type.
pub(crate) fn typed(media_type: &'static HeaderValue, body: impl Into<Body>) -> Response {
    complete(lean(media_type, body))
}

/// The same with the media type in the body, from where the server writes it: headers cost two allocations.
pub(crate) fn lean(media_type: &'static HeaderValue, body: impl Into<Body>) -> Response {
    let mut body = body.into();
    body.set_media_type(Some(media_type));
    Response::new(body)
}

/// A response whose media type is where users look for it.
pub(crate) fn complete(mut response: Response) -> Response {
    if let Some(media_type) = response.body().media_type() {
        response.body_mut().set_media_type(None);
        response.headers_mut().entry(CONTENT_TYPE).or_insert_with(|| media_type.clone());
    }
    response
}

/// A short text.
pub(crate) fn text(status: StatusCode, text: impl Into<Body>) -> Response {
    let mut response = typed(&TEXT, text);
    *response.status_mut() = status;
    response
}

/// The response that is nothing but its status. Errors say in words what they are.
// Not inlined: each of many closures would have it.
#[inline(never)]
pub(crate) fn status(status: StatusCode) -> Response {
    if status.is_client_error() || status.is_server_error() {
        let reason = status.canonical_reason().unwrap_or("error");
        return text(status, format!("{} {reason}\n", status.as_str()));
    }
    let mut response = Response::new(Body::empty());
    *response.status_mut() = status;
    response
}
