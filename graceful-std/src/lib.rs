//! How a threaded service starts, serves, drains and dies well, without an async runtime.
//!
//! A service that is told to stop has to stop accepting without resetting who just connected, finish what it has begun, stop
//! its threads, close its database after the last user of it, flush its logs, and be gone before the orchestrator loses
//! patience, whatever hangs. Every team writes this once more, and most of it wrong.
//! You annotate `main` and the functions that clean up; the rest is done here.
//!
//! # The smallest server
//!
//! ```no_run
//! use std::sync::atomic::{AtomicU64, Ordering};
//! use graceful::http::{Request, Router};
//! use graceful::{App, BoxError};
//!
//! #[derive(Default)]
//! struct Greeted(AtomicU64);
//!
//! #[graceful::main(timeout = "30s")]
//! fn main(app: &App) -> Result<(), BoxError> {
//!     app.provide(Greeted::default());                     // hooks, tasks and handlers ask for it by its type
//!     let routes = Router::new().get("/hello/{name}", greet);
//!     let address = app.http("127.0.0.1:8080", routes)?;
//!     println!("listening on http://{address}");
//!     Ok(())                                               // it serves until it is told to stop
//! }
//!
//! fn greet(greeted: &Greeted, request: Request) -> String {    // an ordinary function, which may block
//!     greeted.0.fetch_add(1, Ordering::Relaxed);
//!     format!("hello, {}\n", request.param("name").unwrap_or("you"))
//! }
//!
//! #[graceful::cleanup(order = 10, timeout = "2s")]
//! fn print_count(greeted: &Greeted) {
//!     println!("greeted {}", greeted.0.load(Ordering::Relaxed));
//! }
//! ```
//!
//! Another protocol than HTTP: [`App::tcp`] hands each connection to a function that may block; [`protocol`] is for sessions
//! that live on the event loops.
//!
//! # What happens on SIGTERM
//!
//! | phase | what happens | budget | default |
//! |---|---|---|---|
//! | *(at once)* | [`App::is_ready`] is false, in the signal handler itself; checks begin no more | | |
//! | `lame_duck` | still serving, so that balancers look away; HTTP answers say `Connection: close`; hooks of the phase `before_drain` run | `lame_duck` | 5 s in a cluster, else 0 |
//! | `draining` | the accept backlog is emptied, listeners close, work in flight ends, idle HTTP connections get one last chance; 250 ms before the deadline tokens are cancelled, at the deadline connections are cut | `drain` | 20 s |
//! | `stopping_tasks` | tasks are told and joined | `tasks` | 10 s |
//! | `cleaning_up` | hooks by ascending order, equal orders in parallel | each its own | 5 s |
//! | `flushing` | flush hooks, provided values are dropped, whoever asked for it is told of the report ([`App::on_report`]), logs are flushed, the report is written | `flush` | 1 s |
//!
//! A phase ends when it is done or at its deadline. `timeout` (30 s) is the total. The time of hooks and flush is reserved:
//! lame duck, drain and tasks share what is left, in proportion when it is less than they ask for, and what one of them does
//! not use goes to the next. A plan whose hooks and flush need more than the total is refused before user code runs.
//! The process ends at most 250 ms after the total, whatever user code does.
//!
//! # Readiness and liveness
//!
//! Checks run in the background, at once when the service begins to serve and then every 5 s, each for at most 1 s. What they
//! come to is kept: asking runs nothing and waits for nothing.
//!
//! | asked | true while |
//! |---|---|
//! | [`App::is_ready`] | it serves, every critical check of readiness passes, and no shutdown was requested |
//! | [`App::is_alive`] | no check of liveness fails; a shutdown changes nothing |
//! | [`App::checks`] | what is known of each: status, last outcome, where it hangs |
//!
//! ```
//! # struct Db;
//! # impl Db { fn ping(&self) -> Result<(), std::io::Error> { Ok(()) } }
//! #[graceful::readiness(every = "5s", timeout = "1s", critical, failures = 3)]
//! fn database(db: &Db) -> Result<(), std::io::Error> {
//!     db.ping()
//! }
//! ```
//!
//! The first result counts at once, after that three failures in a row and one success. A check that hangs has failed, is
//! named with where it hangs, is not begun a second time, and keeps neither the others nor the exit waiting.
//!
//! # Signals
//!
//! TERM, INT, QUIT and USR2 request the shutdown; HUP runs the reload hooks if there are any, else it does too.
//! A second signal, later than 500 ms after the first, skips the waiting and still cleans up. A third ends the process now.
//! Signals that were ignored when the process began (`nohup`) stay ignored.
//!
//! # Exit codes
//!
//! | code | when |
//! |---|---|
//! | 0 | nothing was lost, cut, abandoned or skipped for lack of time |
//! | 1 | the start failed, or `main` or a fatal task returned an error; cleanup ran |
//! | 3 | incomplete: a step failed or timed out, or connections were cut (`incomplete_exit_code` maps it) |
//! | 101 | `main` or a fatal task panicked; cleanup ran |
//! | 124 | the total ran out, or [`App::force`] was called: the process was ended where it stood |
//! | 128 + n | a third signal n |
//!
//! # Settings
//!
#![doc = include_str!("../SETTINGS.md")]
//!
//! # Limits
//!
//! - Threads that will not end are abandoned and named, not killed: Rust has no way to end a thread.
//! - With `panic = "abort"` a panic ends the process at once; nothing can run after it.
//! - A crate that nobody names is not linked, and its hooks are not there: see `hooks` and `expect_hooks` of
//!   `#[graceful::main]`.
//! - As PID 1 it does not reap orphans that others left behind; it reaps what [`Stop::child`] started.
//! - A signal may interrupt a system call on any thread. The kernel goes on with most of them, but `read` and `write` on a socket
//!   with a timeout (`set_read_timeout`, `SO_RCVTIMEO`) end with [`ErrorKind::Interrupted`](std::io::ErrorKind::Interrupted): a
//!   loop of one's own that calls them tries again then, and does not take it for the end of the connection. `read_exact`,
//!   `read_to_end`, `write_all` and `BufRead::read_line` do that by themselves, and so does everything of ours.
//! - The monotonic clock stands still while the machine is suspended, and so do budgets.
//!
//! # Platforms
//!
//! Linux is what it is made and tested for. Other Unix systems lack the SYN filter (a window of microseconds at the close of a
//! listener) and the line that says where a thread is stuck. On Windows, Ctrl-C, Ctrl-Break, close, log-off and shutdown
//! request the shutdown; it is compile-checked only.
//!
//! # Features
//!
//! - `http` (default): [`http`], the HTTP/1.1 server with its router and messages.
//! - `admin`: `graceful::admin`, an admin API beside the probes: status, shutdown, and a page to look at while it drains.
//! - `cache`: `graceful::cache`, a bounded cache with statistics, and a queue that writes behind.
//! - `config`: `graceful::config`, settings from a file in TOML.
//! - `external`: `graceful::external`, several services closed at the same time inside one budget.
//! - `files`: `graceful::files`, append-only logs and temporary files.
//! - `nats`: `graceful::nats`, NATS with blocking calls. Its driver is async: it runs, with a runtime (tokio) of its own, on
//!   one thread; nothing of yours becomes async.
//! - `pool`: `graceful::pool`, connection pools (`r2d2`) that close without losing work.
//! - `postgres`: `graceful::postgres`, PostgreSQL in such a pool. Its driver embeds an async runtime (tokio), one for each
//!   connection, on the thread that uses it; nothing else of yours or ours becomes async.
//! - `process`: `graceful::process`, what the system knows of the process, and checks that turn its health to `degraded`.
//! - `redis`: `graceful::redis`, Redis in such a pool, subscriptions on threads that end.
//! - `sqlite`: `graceful::sqlite`, SQLite (compiled in) in such a pool.
//! - `metrics`: `graceful::metrics`, metrics for Prometheus; those of shutdowns are kept in a file or pushed, so that they
//!   outlive the process.
//! - `websocket`: `graceful::websocket`, WebSocket connections on the same event loops, each told goodbye.
//! - `health`: `graceful::health`, probes on a listener of their own or among other routes; and `./service --health-check`,
//!   which asks them, for images without shell and curl.
//! - `cli`: the tool `graceful` (`cargo install graceful-std --features cli`): `graceful health URL` asks a service whether it is
//!   ready, `graceful watch URL --pid PID` shows a shutdown as it happens and says which promises it kept. No API.
//! - `logging`: `graceful::logging`, a logger that writes JSON or text, and never holds anybody up.
//! - `macros` (default): the attributes. Everything they do works without them: [`Runtime::builder`], [`Hook`], [`Task`],
//!   [`Check`].
#![forbid(unsafe_code)]

#[cfg(feature = "admin")]
pub mod admin;
#[cfg(feature = "cache")]
pub mod cache;
#[cfg(any(feature = "http", feature = "logging"))]
mod calendar;
#[cfg(feature = "config")]
pub mod config;
#[cfg(feature = "external")]
pub mod external;
#[cfg(feature = "files")]
pub mod files;
#[cfg(all(any(test, fuzzing), feature = "http"))]
mod fuzzing;
#[cfg(feature = "health")]
pub mod health;
#[cfg(feature = "http")]
pub mod http;
#[cfg(feature = "logging")]
pub mod logging;
#[cfg(feature = "metrics")]
pub mod metrics;
#[cfg(feature = "nats")]
pub mod nats;
#[cfg(feature = "pool")]
pub mod pool;
#[cfg(feature = "postgres")]
pub mod postgres;
#[cfg(feature = "health")]
mod probing;
#[cfg(feature = "process")]
pub mod process;
#[cfg(feature = "redis")]
pub mod redis;
#[cfg(feature = "sqlite")]
pub mod sqlite;
#[cfg(feature = "websocket")]
pub mod websocket;

pub use graceful_core::*;
#[cfg(feature = "macros")]
pub use graceful_macros::{cleanup, liveness, main, readiness, reload, task};

#[cfg(all(any(test, fuzzing), feature = "http"))]
#[doc(hidden)]
pub use fuzzing::targets as __fuzz;
#[doc(hidden)]
#[path = "entry.rs"]
pub mod __private;
/// What the tool shares with the built-in health check.
#[cfg(feature = "health")]
#[doc(hidden)]
pub mod __cli {
    pub use crate::health::{Detail, HealthCheck, Verdict, default_target, read_time, read_timeout};
    pub use crate::probing::{After, Answer, Link, Place, ProbeError, Question, Target, Until, ask};
}
