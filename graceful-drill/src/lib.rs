//! Load and a stop signal for an HTTP/1.1 service, and what every client saw of it.
//!
//! A service that stops under load can lose requests in ways that its own log does not show: connections reset in the accept
//! queue, keep-alive connections closed under a request, answers cut in the middle. A drill has up to tens of thousands of
//! clients on one thread, gives the signal, lets the clients go on until they are refused, and puts every request and every
//! attempt to connect into exactly one class.
//!
//! ```no_run
//! use graceful_drill::{Closing, Drill, Pattern};
//!
//! let outcome = Drill::new("127.0.0.1:8080")
//!     .clients(64)
//!     .pattern(Pattern::PerRequest { closing: Closing::Asked })
//!     .run(|| println!("kill -TERM the server here"))?;
//! println!("{outcome}");
//! assert!(outcome.is_lossless());
//! # Ok::<(), std::io::Error>(())
//! ```
//!
//! # Classes
//! | [class](Class) | what the client saw | a loss |
//! |---|---|---|
//! | answered | a complete, valid answer, of whatever status | no |
//! | refused | no connection: nobody listens any more | no |
//! | forfeited | no answer, and it was the client that did not finish its request, or did not read | no |
//! | reset | a reset before any byte of the answer | yes |
//! | ended | the end of the connection before any byte of the answer | yes |
//! | raced | the same on a connection that was idle: the request crossed the close | yes |
//! | truncated | the end or a reset in the middle of the answer | yes |
//! | unanswered after close | an answer to an earlier request of the same pipeline that said `Connection: close` | yes |
//! | timed out | nothing, for too long | yes |
//! | invalid | something that is no HTTP answer, or not the expected one | yes |
//!
//! Each is counted apart by when the request was [sent](Sent), as seen from the signal, and by whether its connection was
//! [fresh or reused](Use). The instant of the signal is taken right before the signal is given, and nothing is sent in
//! between: what counts as sent before it was in the hands of the kernel by then.
//!
//! The clients are careful ones. They look for the end of a connection before they use it again, and they never send
//! anything behind an answer that said `Connection: close`. What is lost all the same is lost to any client.
//!
//! # Limits
//! - The clients share one thread. It is cheaper than most servers, and on a machine of few cores takes its share of them.
//! - Each client needs a file descriptor; a limit that is too low is an error of the run.
//! - A client that closes first occupies its local port for a while. When they run out, [`Outcome::starved`] says so.
//! - No TLS, and no HTTP/2.
//! - What no client can see is not seen: a request that was answered and not carried out counts as answered.
#![forbid(unsafe_code)]

mod answer;
mod chunked;
mod class;
mod clock;
mod drill;
mod driver;
mod json;
mod latency;
mod outcome;
mod pattern;
mod plan;
mod request;
mod table;
mod target;

pub use class::{Class, Counts, Sent, Status, Use};
pub use drill::{Clients, Drill, Service};
pub use latency::Latency;
pub use outcome::{Connections, Ends, GroupOutcome, Load, Loss, Offset, Outcome, Stop};
pub use pattern::{Closing, Late, Part, Pattern, Reading, Rest};
pub use request::Request;
pub use target::Target;
