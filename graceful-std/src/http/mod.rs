//! An HTTP/1.1 server for blocking handlers, which stops without losing a request.
//!
//! A handler is an ordinary function from a [`Request`] to anything that can be a response ([`IntoResponse`]). It may block.
//! A [`Router`] says which one answers what. Names and values of the protocol are those of the `http` crate.
//!
//! ```
//! use graceful::http::{Error, Json, Request, Router, StatusCode};
//!
//! #[derive(Default)]
//! struct Greetings { words: Vec<String> }
//!
//! // `&Greetings` is filled in by its type; the request comes last.
//! fn greet(greetings: &Greetings, request: Request) -> Result<String, Error> {
//!     let index: usize = request.parse_param("index")?;
//!     let word = greetings.words.get(index).ok_or(Error::status(StatusCode::NOT_FOUND, "no such greeting"))?;
//!     Ok(format!("{word}\n"))
//! }
//!
//! let routes = Router::new()
//!     .get("/", || "Hello, World!")
//!     .get("/greetings/{index}", greet)
//!     .get("/greetings", |greetings: &Greetings| Json(greetings.words.len()))
//!     .state(Greetings { words: vec!["hello".to_owned()] });
//! # drop(routes);
//! ```
//!
//! # Which thread runs a handler
//!
//! Connections live on event loops, and a handler that comes back within microseconds runs right there. How long a route's
//! handler takes is learned: one that takes longer than 50 µs on average, or has just blocked, is called on a worker, until it
//! has been quick for a while. One that blocks by surprise holds up the others of its loop for a few milliseconds; then
//! another thread leads the loop. [`Server::always_on_workers`] switches the learning off.
//! When no worker is free and too many requests wait, requests are answered with 503 and `Retry-After`.
//!
//! A request's body of up to 32 KiB is received before its handler is called; a longer one, a chunked one that is not complete,
//! and one that the client wants to be invited for (`Expect: 100-continue`) are received on a worker while the handler reads.
//!
//! # What happens on SIGTERM
//!
//! | request or connection | what happens |
//! |---|---|
//! | any request, from then on | its answer says `Connection: close`, the last one where several have arrived |
//! | that changes something | 503, if [`Server::read_only_while_stopping`] is set |
//! | that is being handled | goes on; its [`stop`](Request::stop) fires when the drain begins, and is cancelled shortly before the deadline |
//! | an idle connection, when the drain begins | gets 50 ms for a request that is under way, one that is new a second; then it is closed |
//! | half of a head | is waited for, 2 s at most |
//! | half of a body | is waited for as long as something comes, and 5 s in between |
//! | an answer that the client does not take | until the deadline |
//! | an event stream | is told by [`BodyWriter::stop`] |
//! | whatever is left at the deadline | is cut, and counted |
//!
//! # Limits
//!
//! Those of [`Server`] have defaults. What breaks a rule of RFC 9112 is answered with 400 (or 414, 431, 501, 505) and closed,
//! since nobody can tell where the next request would begin: a lone CR or LF, folded headers, a space before a colon, `Host`
//! missing or twice, `Content-Length` twice or with a sign, both it and `Transfer-Encoding`, and the like.
//!
//! # What is not done
//!
//! TLS and HTTP/2 (put a proxy in front), upgrades to anything but WebSockets, trailers (read, checked and dropped), compression, ranges of files,
//! `CONNECT`. On platforms other than Unix each connection has a worker of its own.

mod body;
mod body_error;
mod error;
mod file;
mod handler;
mod into_body;
mod into_response;
mod json;
mod middleware;
mod params;
pub(crate) mod parser;
mod percent;
pub(crate) mod request;
pub(crate) mod response;
mod router;
pub(crate) mod server;
mod sse;
mod stream;

#[cfg(test)]
pub(crate) mod testing;

pub use ::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Uri, Version, header};
pub use bytes::Bytes;

pub use body::Body;
pub use body_error::BodyError;
pub use error::{Error, Failure};
pub use file::{FileBody, file};
pub use handler::Handler;
pub use into_response::IntoResponse;
pub use json::Json;
pub use middleware::{Middleware, Next};
pub use request::Request;
pub use response::Response;
pub use router::{RouteError, Router};
pub use server::Server;
pub use sse::{Event, Events, sse};
pub use stream::BodyWriter;
