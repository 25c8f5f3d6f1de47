//! The server: what connects the parser, the router and the messages to the engine.

mod answer;
mod clock;
mod date;
mod encode;
mod exchange;
mod incoming;
mod patience;
mod peers;
mod protocol;
mod refuse;
mod session;
mod settings;
mod transmit;
#[cfg(feature = "websocket")]
mod upgrade;

use std::time::Duration;

use self::peers::{PeerLimit, Peers};
#[cfg(feature = "websocket")]
pub(crate) use self::session::take_front;
use self::settings::{Handlers, Settings, Writes};
#[cfg(feature = "websocket")]
pub(crate) use self::upgrade::{Takeover, Upgrade};
use super::router::Router;

/// Routes with limits and timers of one's own: what [`App::http`](graceful_core::App::http) takes instead of a bare [`Router`].
///
/// | setting | default |
/// |---|---|
/// | [`max_body`](Server::max_body) | 2 MiB |
/// | [`max_request_line`](Server::max_request_line) | 8 KiB |
/// | [`max_headers`](Server::max_headers) | 100 |
/// | [`max_head`](Server::max_head) | 32 KiB |
/// | [`max_connections`](Server::max_connections) | 65 536 |
/// | [`max_connections_per_peer`](Server::max_connections_per_peer) | none |
/// | [`max_requests_per_connection`](Server::max_requests_per_connection) | none |
/// | [`head_timeout`](Server::head_timeout) | 10 s |
/// | [`body_timeout`](Server::body_timeout) | 30 s |
/// | [`write_timeout`](Server::write_timeout) | 30 s |
/// | [`keep_alive`](Server::keep_alive) | 75 s |
/// | [`read_only_while_stopping`](Server::read_only_while_stopping) | off |
/// | [`always_on_workers`](Server::always_on_workers) | off |
///
/// # Examples
/// ```
/// use std::time::Duration;
/// use graceful::http::{Router, Server};
///
/// let server = Server::new(Router::new().get("/", || "Hello, World!"))
///     .max_body(64 * 1024 * 1024)
///     .keep_alive(Duration::from_secs(20))
///     .read_only_while_stopping();
/// # drop(server);
/// ```
#[derive(Debug)]
#[must_use = "a server serves once it is given to App::http"]
pub struct Server {
    routes: Router,
    settings: Settings,
    peers: Option<Box<dyn PeerLimit>>,
}

impl Server {
    /// With the defaults.
    pub fn new(routes: Router) -> Self {
        Self { routes, settings: Settings::default(), peers: None }
    }

    /// How long a request's body may be, in bytes; a longer one is an error of the read that would pass the limit, which
    /// answers with 413. A handler may [set another limit](super::Body::set_limit). **Default: `2 MiB`**.
    pub fn max_body(mut self, bytes: u64) -> Self {
        self.settings.body_bytes = bytes;
        self
    }

    /// How long a request line may be, in bytes; a longer one is answered with 414. **Default: `8 KiB`**.
    pub fn max_request_line(mut self, bytes: usize) -> Self {
        self.settings.head.request_line = bytes;
        self
    }

    /// How many headers a request may have; more are answered with 431. **Default: `100`**.
    pub fn max_headers(mut self, headers: usize) -> Self {
        self.settings.head.header_count = headers;
        self
    }

    /// How long a request's head may be, the request line included, in bytes and up to 60 KiB; a longer one is answered with
    /// 431. **Default: `32 KiB`**.
    pub fn max_head(mut self, bytes: usize) -> Self {
        // It has to fit into a thread's read buffer.
        self.settings.head.head_bytes = bytes.min(60 * 1024);
        self
    }

    /// How many connections may be open at a time; others are answered with 503 and closed. **Default: `65 536`**.
    pub fn max_connections(mut self, connections: usize) -> Self {
        self.settings.connections = connections;
        self
    }

    /// How many connections one IP address may have open at a time; others are answered with 503 and closed. Behind a proxy,
    /// everything comes from one address. **Default: none**.
    pub fn max_connections_per_peer(mut self, connections: usize) -> Self {
        self.peers = Some(Box::new(Peers::new(connections)));
        self
    }

    /// After so many requests a connection is closed: the last answer says so. **Default: none**.
    pub fn max_requests_per_connection(mut self, requests: u32) -> Self {
        self.settings.requests_per_connection = requests.max(1);
        self
    }

    /// How long a request's head may take from its first byte to its last; after it, 408. A new connection has as long for
    /// its first byte. **Default: `10 s`**.
    pub fn head_timeout(mut self, timeout: Duration) -> Self {
        self.settings.head_timeout = timeout;
        self
    }

    /// How long a client may be silent in the middle of a body, and how long it may take before it has to have sent 1 KiB a
    /// second on average; after it, the read fails, which answers with 408. **Default: `30 s`**.
    pub fn body_timeout(mut self, timeout: Duration) -> Self {
        self.settings.body_timeout = timeout;
        self
    }

    /// The same for a client that is to take an answer; after it, the connection is closed. **Default: `30 s`**.
    pub fn write_timeout(mut self, timeout: Duration) -> Self {
        self.settings.write_timeout = timeout;
        self
    }

    /// How long a connection may be idle between two requests before it is closed. **Default: `75 s`**.
    ///
    /// A proxy in front should give up idle connections earlier than this (nginx: `keepalive_timeout 60s` in `upstream`), or
    /// its requests may cross the close.
    pub fn keep_alive(mut self, timeout: Duration) -> Self {
        self.settings.keep_alive = timeout;
        self
    }

    /// From the request to shut down on, `POST`, `PUT`, `PATCH`, `DELETE` and unknown methods are answered with 503 and
    /// `Retry-After`; what only reads (`GET`, `HEAD`, `OPTIONS`, `TRACE`) is still served. Requests that have reached their
    /// handler by then go on.
    pub fn read_only_while_stopping(mut self) -> Self {
        self.settings.writes_while_stopping = Writes::Refused;
        self
    }

    /// Calls every handler on a worker, also those that are known to be quick: where handlers block at random, or for so long
    /// that even the first few milliseconds of the first call are too much for the others. It costs two hand-overs a request.
    pub fn always_on_workers(mut self) -> Self {
        self.settings.handlers = Handlers::OnWorkers;
        self
    }
}
