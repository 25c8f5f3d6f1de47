//! What a handler is given.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use ::http::request::Parts;
use ::http::{Extensions, HeaderMap, Method, StatusCode, Uri, Version, header::AsHeaderName};
use graceful_core::{PeerAddress, Stop};

use super::body::Body;
use super::error::Error;
use super::params::Params;
use super::parser;
use super::percent;

/// A request: its head, its [`Body`], the parameters of its path, and the connection it came on.
///
/// # Examples
/// ```
/// use std::time::Duration;
/// use graceful::http::{Error, Json, Request};
///
/// fn create(mut request: Request) -> Result<Json<u64>, Error> {
///     let order: serde_json::Value = request.body().json()?;      // 400, 408 or 413 when it cannot be had
///     let dry = request.query_param("dry").is_some();             // POST /orders?dry
///     Ok(Json(if dry { 0 } else { order["quantity"].as_u64().unwrap_or(1) }))
/// }
///
/// fn long_poll(request: Request) -> &'static str {
///     match request.stop().sleep(Duration::from_secs(30)) {       // ends early when the service stops
///         Ok(()) => "nothing new",
///         Err(_) => "come back later",
///     }
/// }
/// # let _ = graceful::http::Router::new().post("/orders", create).get("/news", long_poll);
/// ```
pub struct Request {
    head: Head,
    body: Body,
    params: Params,
    context: Context,
}

/// What gives its header map back when it is dropped.
struct Head(Parts);

impl Head {
    fn into_parts(mut self) -> Parts {
        std::mem::replace(&mut self.0, ::http::Request::new(()).into_parts().0)
    }
}

impl Drop for Head {
    fn drop(&mut self) {
        parser::recycle(std::mem::take(&mut self.0.headers));
    }
}

/// What all requests of a connection share.
#[derive(Clone, Debug)]
pub(crate) struct Context(Arc<ConnectionContext>);

#[derive(Debug)]
struct ConnectionContext {
    peer: PeerAddress,
    stop: Stop,
}

impl Context {
    pub(crate) fn new(peer: PeerAddress, stop: Stop) -> Self {
        Self(Arc::new(ConnectionContext { peer, stop }))
    }

    pub(crate) fn peer(&self) -> &PeerAddress {
        &self.0.peer
    }

    pub(crate) fn stop(&self) -> &Stop {
        &self.0.stop
    }
}

/// The head.
impl Request {
    /// `params` is what the router found in the path.
    #[inline]
    pub(crate) fn new(head: Parts, body: Body, params: Params, context: Context) -> Self {
        Self { head: Head(head), body, params, context }
    }

    /// The method.
    #[must_use]
    pub fn method(&self) -> &Method {
        &self.head.0.method
    }

    /// The target, as it was sent.
    #[must_use]
    pub fn uri(&self) -> &Uri {
        &self.head.0.uri
    }

    /// The path as it was sent: nothing is decoded, `..` and `//` are still there.
    #[must_use]
    pub fn path(&self) -> &str {
        self.head.0.uri.path()
    }

    /// The part after `?`, as it was sent.
    #[must_use]
    pub fn query(&self) -> Option<&str> {
        self.head.0.uri.query()
    }

    /// The first parameter of that name in the query, decoded as forms are: `+` is a space, a broken escape stays as it is,
    /// and what is not UTF-8 becomes U+FFFD. A name without `=` has an empty value.
    #[must_use]
    pub fn query_param(&self, name: &str) -> Option<Cow<'_, str>> {
        self.query_params().find(|(known, _)| known == name).map(|(_, value)| value)
    }

    /// All parameters of the query in their order, decoded as [`query_param`](Request::query_param) does.
    pub fn query_params(&self) -> impl Iterator<Item = (Cow<'_, str>, Cow<'_, str>)> {
        percent::pairs(self.query().unwrap_or_default())
    }

    /// The version of the protocol.
    #[must_use]
    pub fn version(&self) -> Version {
        self.head.0.version
    }

    /// The headers.
    #[must_use]
    pub fn headers(&self) -> &HeaderMap {
        &self.head.0.headers
    }

    /// The headers, for middleware.
    pub fn headers_mut(&mut self) -> &mut HeaderMap {
        &mut self.head.0.headers
    }

    /// The first header of that name; `None` as well when its value is not visible ASCII ([`headers`](Request::headers) has
    /// its bytes).
    #[must_use]
    pub fn header(&self, name: impl AsHeaderName) -> Option<&str> {
        self.head.0.headers.get(name)?.to_str().ok()
    }

    /// What middleware has left for the handler, by type.
    #[must_use]
    pub fn extensions(&self) -> &Extensions {
        &self.head.0.extensions
    }

    /// Where middleware leaves things for the handler, by type.
    pub fn extensions_mut(&mut self) -> &mut Extensions {
        &mut self.head.0.extensions
    }
}

/// The route.
impl Request {
    /// The parameter `{name}` or `{*name}` of the route's pattern, percent-decoded; `None` when the pattern has none of that
    /// name.
    ///
    /// A value may contain anything once it is decoded, `/` and `..` too: it is no file name before somebody has checked it.
    /// A request with a broken escape in a parameter, or one that does not make UTF-8, is answered with 400 and reaches no
    /// handler.
    #[must_use]
    pub fn param(&self, name: &str) -> Option<&str> {
        self.params.get(self.path(), name)
    }

    /// The parameter `{name}` as something else than text: `let id: u64 = request.parse_param("id")?`.
    ///
    /// # Errors
    /// 400 when it cannot be parsed; 500 when the route's pattern has no parameter of that name.
    pub fn parse_param<T: FromStr>(&self, name: &str) -> Result<T, Error> {
        let Some(value) = self.param(name) else {
            let route = self.route().unwrap_or("this route");
            return Err(Error::internal(format!("{route} has no parameter {name:?}")));
        };
        value.parse().map_err(|_| Error::status(StatusCode::BAD_REQUEST, format!("the path's {name} is not valid")))
    }

    /// The parameters of the path in their order, percent-decoded.
    pub fn params(&self) -> impl Iterator<Item = (&str, &str)> {
        self.params.iter(self.path())
    }

    /// The pattern that the path matched, as in `/orders/{id}`: what metrics and logs are grouped by. `None` in a fallback.
    #[must_use]
    pub fn route(&self) -> Option<&'static str> {
        self.params.pattern()
    }
}

/// The connection and the body.
impl Request {
    /// Who sent it. Behind a proxy that is the proxy.
    #[must_use]
    pub fn peer(&self) -> &PeerAddress {
        self.context.peer()
    }

    /// Fires when the drain begins: what takes long should come to an end then. See [`Stop::sleep`] and its like.
    #[must_use]
    pub fn stop(&self) -> &Stop {
        self.context.stop()
    }

    /// The body, to be read.
    pub fn body(&mut self) -> &mut Body {
        &mut self.body
    }

    #[cfg(feature = "websocket")]
    pub(crate) fn has_body(&self) -> bool {
        !self.body.is_empty()
    }

    /// The body alone.
    #[must_use]
    pub fn into_body(self) -> Body {
        self.body
    }

    /// Head and body. The path's parameters and the connection are left behind.
    #[must_use]
    pub fn into_parts(self) -> (Parts, Body) {
        (self.head.into_parts(), self.body)
    }

    /// Puts another body in place of the one that was received, and hands that back: for middleware that decodes.
    pub fn replace_body(&mut self, body: impl Into<Body>) -> Body {
        std::mem::replace(&mut self.body, body.into())
    }
}

/// For code that knows the `http` crate only. The path's parameters and the connection are left behind.
impl From<Request> for ::http::Request<Body> {
    fn from(request: Request) -> Self {
        Self::from_parts(request.head.into_parts(), request.body)
    }
}

impl fmt::Debug for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Request")
            .field("method", self.method())
            .field("uri", self.uri())
            .field("route", &self.route())
            .field("peer", self.peer())
            .field("body", &self.body)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::testing::request;

    #[test]
    fn headers_and_queries_are_read_by_name() {
        let mut request = request("GET", "/search?q=green+tea&page=2&q=second&flag");
        request.headers_mut().insert("x-name", "value".parse().expect("visible"));
        request.headers_mut().insert("x-bytes", ::http::HeaderValue::from_bytes(&[0xff]).expect("allowed"));
        assert_eq!(request.header("X-Name"), Some("value"));
        assert_eq!(request.header("x-bytes"), None);
        assert_eq!(request.header("x-none"), None);
        assert_eq!(request.query_param("q").as_deref(), Some("green tea"));
        assert_eq!(request.query_param("flag").as_deref(), Some(""));
        assert_eq!(request.query_param("none"), None);
        assert_eq!(request.query_params().count(), 4);
    }

    #[test]
    fn the_connection_is_seen_from_the_request() {
        let request = request("GET", "/");
        assert_eq!(request.peer().tcp().map(|peer| peer.port()), Some(4711));
        assert!(!request.stop().is_stopping());
    }

    #[test]
    fn it_becomes_a_request_of_the_http_crate() {
        let mut original = request("PUT", "/x?y");
        drop(original.replace_body("text"));
        let mut request = ::http::Request::from(original);
        assert_eq!((request.method().as_str(), request.uri().to_string()), ("PUT", "/x?y".to_owned()));
        assert_eq!(request.body_mut().text().expect("readable"), "text");
    }

    #[test]
    fn a_parameter_that_is_not_in_the_pattern_is_our_mistake() {
        let error = request("GET", "/").parse_param::<u64>("id").expect_err("no such parameter");
        assert_eq!(error.status_code(), StatusCode::INTERNAL_SERVER_ERROR);
    }
}
