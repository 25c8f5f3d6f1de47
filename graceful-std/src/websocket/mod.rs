//! WebSockets on the event loops of the HTTP server, each of which is told goodbye.
//!
//! A route's handler answers with [`WebSocket::upgrade`], which hands the connection to a [`Handler`]: an ordinary value with
//! ordinary functions, which may block. There is no thread for each connection; a silent one costs about a kilobyte.
//!
//! ```
//! use graceful::http::{Request, Response, Router};
//! use graceful::websocket::{Message, Socket, WebSocket};
//!
//! let echo = WebSocket::new();
//! let routes = Router::new().get("/echo", move |request: Request| -> Response {
//!     echo.upgrade(&request, |socket: &Socket, message: Message| socket.send(message))
//! });
//! # drop(routes);
//! ```
//!
//! A [`Socket`] can be kept and cloned, and sends from any thread. A [`Hub`] has rooms, and sends to everybody in one.
//!
//! # Which thread runs a handler
//!
//! As with HTTP: quick callbacks run on the event loop, those of a route that is known to take long on a worker, and one that
//! blocks by surprise holds up others for a few milliseconds. The callbacks of one connection never overlap. While one runs,
//! nothing is read from its connection, so a peer that sends more than is handled is slowed down by TCP.
//!
//! # What happens on SIGTERM
//!
//! | when | what happens |
//! |---|---|
//! | at once | new upgrades are answered with 503; everybody is sent the [`farewell`](WebSocket::farewell), if there is one |
//! | the drain begins, and the [`notice`](WebSocket::notice) is over | what has arrived is handled; then each connection is sent a Close with 1001, behind everything that was sent before, [spread](WebSocket::spread) over a while if that is wished |
//! | a message comes after our Close | it is handled still; answers are refused with [`SendError::Closed`] |
//! | the peer answers the Close | the connection is closed at once |
//! | it does not within [`close_timeout`](WebSocket::close_timeout), or until the drain's deadline | the connection is cut, and counted |
//!
//! Close handshakes that peers have begun are completed. The report counts all of it as `websockets`.
//!
//! # Errors
//!
//! | what happens | Close |
//! |---|---|
//! | a broken rule of RFC 6455 | 1002 |
//! | a text that is not UTF-8, told at the first byte that shows it | 1007 |
//! | a message or frame beyond its limit, told before it has been received | 1009 |
//! | a handler returns an error or panics | 1011, and the log says which route |
//! | a peer does not take what is sent to it, with [`Overflow::Close`] | 1013 |
//!
//! # What is not done
//!
//! Extensions: messages are not compressed. A client: `tungstenite` is one. Whole messages only: a handler does not see
//! fragments.

mod close;
mod counters;
pub(crate) mod frame;
mod handler;
mod hearing;
mod hub;
mod leaving;
mod message;
mod outbox;
mod session;
mod settings;
mod socket;
mod upgrade;

pub use close::{CloseCode, Closed, Side};
pub use handler::Handler;
pub use hub::Hub;
pub use message::Message;
pub use settings::{Overflow, WebSocket};
pub use socket::{SendError, Socket};

pub(crate) use counters::{GROUP as COUNTERS, NAMES as COUNTER_NAMES};
