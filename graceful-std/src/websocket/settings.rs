//! Limits, timers and the goodbye of a route's connections.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use super::frame::Limits;
use super::message::Message;

/// How the connections of a route are to be treated, and what upgrades them: see [`upgrade`](WebSocket::upgrade). Cheap to
/// clone.
///
/// | setting | default |
/// |---|---|
/// | [`origins`](WebSocket::origins) | any |
/// | [`subprotocols`](WebSocket::subprotocols) | none |
/// | [`message_limit`](WebSocket::message_limit) | 1 MiB |
/// | [`frame_limit`](WebSocket::frame_limit) | as a message |
/// | [`outbox`](WebSocket::outbox) | 1 MiB, then 1013 |
/// | [`ping_every`](WebSocket::ping_every) | 30 s |
/// | [`pong_timeout`](WebSocket::pong_timeout) | 10 s |
/// | [`idle_timeout`](WebSocket::idle_timeout) | none |
/// | [`write_timeout`](WebSocket::write_timeout) | 30 s |
/// | [`farewell`](WebSocket::farewell) | none |
/// | [`notice`](WebSocket::notice) | 500 ms after a farewell |
/// | [`spread`](WebSocket::spread) | none |
/// | [`close_reason`](WebSocket::close_reason) | `the service is stopping` |
/// | [`close_timeout`](WebSocket::close_timeout) | 5 s |
#[derive(Clone)]
#[must_use = "it does nothing until a handler upgrades a request with it"]
pub struct WebSocket(pub(super) Arc<Settings>);

#[derive(Clone)]
pub(super) struct Settings {
    /// `None`: any.
    pub(super) origins: Option<Vec<String>>,
    pub(super) subprotocols: Vec<Arc<str>>,
    pub(super) message_limit: usize,
    pub(super) frame_limit: Option<usize>,
    pub(super) outbox_limit: usize,
    pub(super) overflow: Overflow,
    /// Zero: never.
    pub(super) ping_every: Duration,
    pub(super) pong_timeout: Duration,
    pub(super) idle_timeout: Option<Duration>,
    pub(super) write_timeout: Duration,
    pub(super) farewell: Option<Message>,
    pub(super) notice: Duration,
    pub(super) spread: Duration,
    pub(super) close_reason: String,
    pub(super) close_timeout: Duration,
}

/// What happens to a message for a peer that does not keep up, when the outbox is full.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Overflow {
    /// [`Socket::send`](super::Socket::send) waits for so long, then it fails. A broadcast does not wait: for it this is as
    /// `Close`.
    Block(Duration),
    /// The connection is closed with 1013.
    Close,
    /// The message is dropped, and counted.
    Drop,
}

impl Settings {
    pub(super) fn limits(&self) -> Limits {
        Limits { frame: self.frame_limit.unwrap_or(self.message_limit), message: self.message_limit }
    }

    /// Between the farewell and the Close.
    pub(super) fn notice(&self) -> Duration {
        if self.farewell.is_some() { self.notice } else { Duration::ZERO }
    }
}

impl Default for WebSocket {
    fn default() -> Self {
        Self(Arc::new(Settings {
            origins: None,
            subprotocols: Vec::new(),
            message_limit: 1024 * 1024,
            frame_limit: None,
            outbox_limit: 1024 * 1024,
            overflow: Overflow::Close,
            ping_every: Duration::from_secs(30),
            pong_timeout: Duration::from_secs(10),
            idle_timeout: None,
            write_timeout: Duration::from_secs(30),
            farewell: None,
            notice: Duration::from_millis(500),
            spread: Duration::ZERO,
            close_reason: "the service is stopping".to_owned(),
            close_timeout: Duration::from_secs(5),
        }))
    }
}

impl WebSocket {
    /// With the defaults.
    pub fn new() -> Self {
        Self::default()
    }

    /// The pages that browsers may connect from, such as `https://example.org`; others are answered with 403. Programs that
    /// are no browsers send no `Origin`, and are let in. **Default: any**.
    ///
    /// Browsers do not ask before they open a WebSocket from any page to any host, and they send its cookies: where cookies say
    /// who somebody is, this is what protects them (RFC 6455 section 10.2).
    pub fn origins<O: Into<String>>(self, origins: impl IntoIterator<Item = O>) -> Self {
        self.set(|settings| settings.origins = Some(origins.into_iter().map(Into::into).collect()))
    }

    /// The subprotocols that are spoken, best first: the first one that the client offers too is agreed on. **Default: none**.
    pub fn subprotocols<P: AsRef<str>>(self, protocols: impl IntoIterator<Item = P>) -> Self {
        self.set(|settings| settings.subprotocols = protocols.into_iter().map(|name| name.as_ref().into()).collect())
    }

    /// How long a message may be, in bytes; a longer one closes with 1009 before it has been received. **Default: `1 MiB`**.
    pub fn message_limit(self, bytes: usize) -> Self {
        self.set(|settings| settings.message_limit = bytes)
    }

    /// How long one of its frames may be, in bytes. **Default: as the message**.
    pub fn frame_limit(self, bytes: usize) -> Self {
        self.set(|settings| settings.frame_limit = Some(bytes))
    }

    /// How many bytes may wait for a peer that does not keep up, beyond what the kernel buffers, and what happens then. One
    /// message may be longer than this alone. **Default: `1 MiB`, [`Overflow::Close`]**.
    pub fn outbox(self, bytes: usize, overflow: Overflow) -> Self {
        self.set(|settings| (settings.outbox_limit, settings.overflow) = (bytes, overflow))
    }

    /// How long a peer may be silent before it is sent a Ping; zero: no Pings. **Default: `30 s`**.
    pub fn ping_every(self, interval: Duration) -> Self {
        self.set(|settings| settings.ping_every = interval)
    }

    /// How long after a Ping something has to come, or the connection is given up. **Default: `10 s`**.
    pub fn pong_timeout(self, timeout: Duration) -> Self {
        self.set(|settings| settings.pong_timeout = timeout)
    }

    /// How long a connection may be without a message either way before it is closed with 1000. **Default: none**.
    pub fn idle_timeout(self, timeout: Duration) -> Self {
        self.set(|settings| settings.idle_timeout = Some(timeout))
    }

    /// How long a peer may take nothing of what waits for it before the connection is cut. **Default: `30 s`**.
    pub fn write_timeout(self, timeout: Duration) -> Self {
        self.set(|settings| settings.write_timeout = timeout)
    }

    /// A message of the application's for everybody, at the instant a shutdown is requested. **Default: none**.
    pub fn farewell(self, message: impl Into<Message>) -> Self {
        self.set(|settings| settings.farewell = Some(message.into()))
    }

    /// How long after the farewell the Close is sent, at the earliest. **Default: `500 ms`**.
    pub fn notice(self, notice: Duration) -> Self {
        self.set(|settings| settings.notice = notice)
    }

    /// Spreads the Closes of a shutdown over so long, so that not everybody connects anew at the same instant. It is part of
    /// the drain, which has to be longer. **Default: `0 s`**.
    pub fn spread(self, window: Duration) -> Self {
        self.set(|settings| settings.spread = window)
    }

    /// The reason in the Close with 1001 that a shutdown sends; up to 123 bytes are sent. **Default: `the service is
    /// stopping`**.
    pub fn close_reason(self, reason: impl Into<String>) -> Self {
        self.set(|settings| settings.close_reason = reason.into())
    }

    /// How long a peer may take to answer our Close before the connection is cut. **Default: `5 s`**.
    pub fn close_timeout(self, timeout: Duration) -> Self {
        self.set(|settings| settings.close_timeout = timeout)
    }

    fn set(mut self, set: impl FnOnce(&mut Settings)) -> Self {
        set(Arc::make_mut(&mut self.0));
        self
    }
}

impl fmt::Debug for WebSocket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Settings { origins, subprotocols, message_limit, .. } = &*self.0;
        f.debug_struct("WebSocket")
            .field("origins", origins)
            .field("subprotocols", subprotocols)
            .field("message_limit", message_limit)
            .finish_non_exhaustive()
    }
}
