//! Redis in a pool that closes well, commands that are flushed at the end, and subscriptions that end.
//!
//! ```no_run
//! use graceful::redis::redis::Commands as _;
//! use graceful::redis::{Error, Redis, RedisLeft};
//! use graceful::{App, BoxError, Deadline, cleanup, redis};
//!
//! #[graceful::main]
//! fn main(app: &App) -> Result<(), BoxError> {
//!     let redis = app.provide(redis::open("redis://127.0.0.1/", 8)?);      // a start that fails says why, and exits with 1
//!     save(&redis, "tea")?;
//!     Ok(())
//! }
//!
//! fn save(redis: &Redis, order: &str) -> Result<(), Error> {
//!     redis.get()?.rpush::<_, _, ()>("orders", order)?;                    // acknowledged: the server has it
//!     redis.push(redis::redis::cmd("INCR").arg("saved").take())            // later, with others
//! }
//!
//! #[cleanup(order = 20, timeout = "5s")]
//! fn close_redis(redis: &Redis, deadline: Deadline) -> Result<(), RedisLeft> {
//!     redis.close(deadline).map(drop)
//! }
//! ```
//!
//! # What closing does
//!
//! | when | what |
//! |---|---|
//! | at once | [`Redis::push`] is refused; the servers of subscriptions are told to send nothing more |
//! | until half of the time is over | what is pending is sent, over a connection of its own; while nothing is, a `PING` (500 ms at most) |
//! | for a quarter of the rest | subscriptions receive what the server had sent; then they are cut and their threads joined |
//! | for the rest | the pool is closed, as [`pool`](crate::pool) tells: who has a connection may finish |
//! | when a quarter of that is left (1 s at most) | commands that still run are cancelled, and named in the report |
//! | at the deadline | connections that are still out are abandoned and named |
//!
//! A step that is done gives its time to the next one; a server that is gone is noticed at once, one that hangs takes what is
//! in the table and not more.
//!
//! With `REDIS_GRACEFUL_CLOSE=false` there is no farewell: what is pending is not sent, and counts as lost; running commands are
//! cancelled and subscriptions cut at once.
//!
//! # How a running command is cancelled
//!
//! By shutting down the socket of its connection: it fails at once, whatever the server does, also a `BLPOP key 0` that would
//! wait for ever. The `redis` crate does not give its sockets away, so [`Connection`] is a connection of our own, on that
//! crate's parser and traits; everything of it that takes a `ConnectionLike` works. Whether a command that was cancelled has
//! been done is not known, as with every connection that breaks. Pools of that crate's own connections can be [adopted](adopt).
//!
//! # Limits
//!
//! - No TLS, no RESP3, no cluster: adopt a pool where TLS is needed.
//! - A command has no time limit of its own before the end; see [`Connection::set_timeout`].
//! - Connecting to a Unix socket whose server is frozen and has a full backlog waits for it.

mod adopt;
mod client;
mod connection;
mod counters;
mod doing;
mod error;
mod farewell;
mod manager;
mod pending;
mod socket;
mod subscription;
mod table;

pub use ::redis;
pub use adopt::adopt;
pub use client::{Redis, open};
pub use connection::Connection;
pub use counters::Statistics;
pub use error::{Error, RedisLeft, Unflushed};
pub use manager::Manager;
pub use subscription::Subscription;
