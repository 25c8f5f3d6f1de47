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
mod parser;
mod percent;
mod request;
mod response;
mod router;
mod server;
mod sse;
mod stream;

#[cfg(test)]
mod testing;

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

/// The parser's invariants, for the fuzzer.
#[cfg(any(test, fuzzing))]
#[doc(hidden)]
pub mod __fuzz {
    pub use super::parser::differential::{chunked, cuts, request};
}
