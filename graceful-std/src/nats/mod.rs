//! NATS with calls that block, and an end that loses nothing.
//!
//! ```no_run
//! use graceful::nats::{self, Error, Nats, NatsLeft};
//! use graceful::{App, BoxError, Deadline, Stop, cleanup, task};
//!
//! #[graceful::main]
//! fn main(app: &App) -> Result<(), BoxError> {
//!     let nats = app.provide(nats::connect("nats://127.0.0.1:4222")?);     // a start that fails says why, and exits with 1
//!     nats.publish("started", "here")?;
//!     Ok(())
//! }
//!
//! #[task]
//! fn work(nats: &Nats, stop: &Stop) -> Result<(), Error> {
//!     for message in nats.queue_subscribe("orders", "workers")?.until(stop) {
//!         nats.publish("orders.done", message.payload)?;
//!     }
//!     Ok(())
//! }
//!
//! #[cleanup(order = 20, timeout = "5s")]
//! fn drain_nats(nats: &Nats, deadline: Deadline) -> Result<(), NatsLeft> {
//!     nats.drain(deadline)
//! }
//! ```
//!
//! # What draining does
//!
//! | step | what |
//! |---|---|
//! | at once | new subscriptions are refused; the server is told to send nothing more |
//! | until its answer | everything that it had sent by then goes to the subscriptions |
//! | then | their users handle it, and may publish |
//! | then | publishing is refused, and the server confirms everything that was published |
//! | last | the connection is closed and the thread is joined |
//!
//! All of it takes one deadline. A server that is gone or hangs costs time up to the deadline and not more, and what could not
//! be done is named: messages that were not confirmed, messages that were not handled.
//!
//! # The runtime in it
//!
//! The driver, `async-nats`, is asynchronous. It runs here on one thread (`gf-nats`) with a runtime (tokio, `current_thread`)
//! of its own, and every call is handed over to it through a queue. So this feature, and no other of yours, links an async
//! runtime: some 100 crates more, and one thread (host names are resolved on another one, for a moment). Nothing of yours runs
//! on that thread, and nothing of yours becomes async; calls from inside of another runtime block it, as any blocking call.
//!
//! # What is confirmed
//!
//! NATS does not acknowledge what is published, and the driver's own `flush` ends when the system's buffer has everything. So
//! the thread sends itself a message behind what was published (one at a time, as long as something is not confirmed): the
//! server reads a connection in order, so when that comes back it has everything before it, and has passed it on to those who
//! are subscribed. The user needs the right to publish and to subscribe to `_INBOX.>`, as for requests.
//!
//! # Limits
//!
//! - Core NATS only: what nobody is subscribed to is gone. No JetStream.
//! - What was written to a connection that broke is reported and not sent again.
//! - While the connection is down nothing is received, and what others publish is lost.
//! - What is published while the connection is down waits, and is sent as soon as it is restored, behind our own subscriptions
//!   and before those of others who have lost their server as well: one that was started again knows nobody until he has
//!   connected and subscribed again, each after a pause of his own (ours: none, then 2 ms, doubled up to a second). Until then
//!   what is sent to him is gone, and counts as confirmed, since the server has read it. "Confirmed" never means that somebody
//!   has it. Who cannot bear that asks for an answer ([`Nats::request`]; nobody subscribed: [`Error::NoResponders`] at once),
//!   or keeps what he has published until it was answered, as an outbox does.
//! - The driver's own way to drain is not used: it forgets a subscription before the server has answered, so that what is on
//!   its way may be lost. Ours is an `UNSUB` with a number that is too large for `nats-server`, which takes it for "at once";
//!   with a server that counted that far, what it sends between its last answer and the end of the connection would be lost.

mod client;
mod driver;
mod error;
mod ledger;
mod shared;
mod subscription;

pub use ::async_nats;
pub use ::async_nats::{HeaderMap, Message};
pub use client::{Nats, connect, connect_with};
pub use error::{Error, NatsLeft};
pub use subscription::Subscription;
