//! The opening handshake, RFC 6455 section 4.2.

use std::sync::Arc;
use std::time::Instant;

use ::http::header::{
    CONNECTION, HeaderName, HeaderValue, ORIGIN, RETRY_AFTER, SEC_WEBSOCKET_ACCEPT, SEC_WEBSOCKET_KEY,
    SEC_WEBSOCKET_PROTOCOL, SEC_WEBSOCKET_VERSION, UPGRADE,
};
use ::http::{HeaderMap, Method, StatusCode, Version};

use super::handler::Handler;
use super::session::WebSocketSession;
use super::settings::WebSocket;
use crate::http::response;
use crate::http::server::{Takeover, Upgrade};
use crate::http::{Request, Response};

impl WebSocket {
    /// The answer to a request for a WebSocket: 101, after which the connection is `handler`'s.
    ///
    /// | answer | when |
    /// |---|---|
    /// | 400 | the handshake breaks a rule of RFC 6455 |
    /// | 403 | the page that it comes from is not in [`origins`](WebSocket::origins) |
    /// | 426 | it is no request for a WebSocket, or for another version than 13 |
    /// | 503, `Retry-After` | a shutdown has been requested |
    ///
    /// What else is to be refused, for a missing login say, is answered by the route's handler before it calls this.
    ///
    /// # Examples
    /// ```
    /// use graceful::http::{Request, Response, Router};
    /// use graceful::websocket::{Message, Socket, WebSocket};
    ///
    /// let socket = WebSocket::new().message_limit(64 * 1024);
    /// let routes = Router::new().get("/echo/{name}", move |request: Request| -> Response {
    ///     let name = request.param("name").unwrap_or_default().to_owned();
    ///     socket.upgrade(&request, move |socket: &Socket, message: Message| {
    ///         println!("{name}: {} bytes", message.len());
    ///         socket.send(message)
    ///     })
    /// });
    /// # drop(routes);
    /// ```
    #[must_use = "the connection is upgraded when the response is sent"]
    pub fn upgrade(&self, request: &Request, handler: impl Handler) -> Response {
        let key = match accept(request) {
            Ok(key) => key,
            Err(refusal) => return refusal,
        };
        let headers = request.headers();
        if !self.knows_origin(headers) {
            return response::text(StatusCode::FORBIDDEN, "this page may not connect here\n");
        }
        if request.stop().is_requested() {
            let mut refusal = response::text(StatusCode::SERVICE_UNAVAILABLE, "the service is stopping\n");
            refusal.headers_mut().insert(RETRY_AFTER, HeaderValue::from_static("1"));
            return refusal;
        }
        let mut answer = response::status(StatusCode::SWITCHING_PROTOCOLS);
        let subprotocol = self.agree(headers);
        let answered = answer.headers_mut();
        answered.insert(UPGRADE, HeaderValue::from_static("websocket"));
        answered.insert(SEC_WEBSOCKET_ACCEPT, key);
        if let Some(name) = subprotocol.as_deref().and_then(|name| HeaderValue::from_str(name).ok()) {
            answered.insert(SEC_WEBSOCKET_PROTOCOL, name);
        }
        let settings = Arc::clone(&self.0);
        let begin = |takeover: Takeover| -> Box<dyn graceful_core::protocol::Session> {
            Box::new(WebSocketSession::new(takeover, settings, subprotocol, Box::new(handler), Instant::now()))
        };
        answer.extensions_mut().insert(Upgrade::new(begin));
        answer
    }

    fn knows_origin(&self, headers: &HeaderMap) -> bool {
        let Some(known) = &self.0.origins else { return true };
        let is_known =
            |origin: &HeaderValue| known.iter().any(|known| known.as_bytes().eq_ignore_ascii_case(origin.as_bytes()));
        headers.get_all(ORIGIN).iter().all(is_known)
    }

    fn agree(&self, headers: &HeaderMap) -> Option<Arc<str>> {
        self.0
            .subprotocols
            .iter()
            .find(|ours| lists(headers, SEC_WEBSOCKET_PROTOCOL, |theirs| theirs == &***ours))
            .cloned()
    }
}

/// What proves that the request was understood; or what it is answered with instead.
#[allow(clippy::result_large_err, reason = "the error is the answer, which is moved once")]
fn accept(request: &Request) -> Result<HeaderValue, Response> {
    let headers = request.headers();
    let wanted = |theirs: &str, ours: &str| theirs.eq_ignore_ascii_case(ours);
    if !lists(headers, UPGRADE, |theirs| wanted(theirs, "websocket"))
        || !lists(headers, CONNECTION, |theirs| wanted(theirs, "upgrade"))
    {
        return Err(no_websocket("this is a WebSocket\n"));
    }
    if request.method() != Method::GET || request.version() != Version::HTTP_11 {
        return Err(response::text(StatusCode::BAD_REQUEST, "a WebSocket begins with a GET of HTTP/1.1\n"));
    }
    if headers.get(SEC_WEBSOCKET_VERSION).is_none_or(|version| version != "13") {
        return Err(no_websocket("the WebSocket version is 13\n"));
    }
    if request.has_body() {
        return Err(response::text(StatusCode::BAD_REQUEST, "a WebSocket begins with a request without a body\n"));
    }
    let mut keys = headers.get_all(SEC_WEBSOCKET_KEY).iter();
    let (Some(key), None) = (keys.next().filter(|key| is_key(key.as_bytes())), keys.next()) else {
        return Err(response::text(StatusCode::BAD_REQUEST, "Sec-WebSocket-Key is not 16 bytes in base64\n"));
    };
    let accepted = tungstenite::handshake::derive_accept_key(key.as_bytes());
    HeaderValue::from_str(&accepted).map_err(|_| response::status(StatusCode::INTERNAL_SERVER_ERROR))
}

/// Says what is spoken here instead.
fn no_websocket(text: &'static str) -> Response {
    let mut refusal = response::text(StatusCode::UPGRADE_REQUIRED, text);
    refusal.headers_mut().insert(UPGRADE, HeaderValue::from_static("websocket"));
    refusal.headers_mut().insert(SEC_WEBSOCKET_VERSION, HeaderValue::from_static("13"));
    refusal
}

/// Whether one of a header's comma-separated tokens, in any of its lines, is what is looked for.
fn lists(headers: &HeaderMap, name: HeaderName, is_it: impl Fn(&str) -> bool) -> bool {
    headers
        .get_all(name)
        .iter()
        .filter_map(|line| line.to_str().ok())
        .flat_map(|line| line.split(','))
        .any(|token| is_it(token.trim()))
}

/// 16 bytes are 22 digits and two for padding, and of the last digit only two bits count.
fn is_key(key: &[u8]) -> bool {
    let digit = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/');
    matches!(key, [digits @ .., last, b'=', b'='] if digits.len() == 21 && digits.iter().all(digit) && matches!(last, b'A' | b'Q' | b'g' | b'w'))
}
