//! Connection pools that close without losing work.
//!
//! A [`Pool`] is an [`r2d2`] pool, one of the user's own or one that `graceful::postgres` or `graceful::sqlite` opened, that can
//! be closed: new checkouts are refused, those that are out are waited for, what still runs shortly before the deadline is
//! cancelled, and what does not come back by then is named, with the thread and the line that hold it.
//!
//! ```
//! use graceful::pool::{Canceller, Managed, Pool, PoolError, PoolLeft, r2d2};
//! use graceful::{Deadline, cleanup};
//!
//! # struct Manager;
//! # impl r2d2::ManageConnection for Manager {
//! #     type Connection = String;
//! #     type Error = std::io::Error;
//! #     fn connect(&self) -> Result<String, std::io::Error> { Ok(String::new()) }
//! #     fn is_valid(&self, _: &mut String) -> Result<(), std::io::Error> { Ok(()) }
//! #     fn has_broken(&self, _: &mut String) -> bool { false }
//! # }
//! # impl Managed for Manager {
//! #     fn canceller(_: &mut String) -> Option<Canceller> { None }
//! # }
//! struct Db { pool: Pool<Manager> }
//!
//! fn save(db: &Db, order: &str) -> Result<(), PoolError> {
//!     let mut connection = db.pool.get()?;                 // goes back when it is dropped
//!     connection.push_str(order);
//!     Ok(())
//! }
//!
//! #[cleanup(order = 20, timeout = "5s")]
//! fn close_db(db: &Db, deadline: Deadline) -> Result<(), PoolLeft> {
//!     db.pool.close(deadline).map(drop)
//! }
//! # let db = Db { pool: Pool::new("db", r2d2::Pool::new(Manager).unwrap()) };
//! # save(&db, "tea").unwrap();
//! # close_db(&db, Deadline::after(std::time::Duration::from_secs(1))).unwrap();
//! # assert!(save(&db, "tea").is_err());
//! ```
//!
//! # What closing does
//!
//! | when | what |
//! |---|---|
//! | at once | [`Pool::get`] is refused with [`PoolError::Closed`], to those who wait in it as well |
//! | until a quarter of the time (1 s at most) is left | connections that are out may come back: transactions are finished |
//! | then | what still runs is cancelled, again and again until its connection comes back |
//! | at the deadline | connections that are still out are abandoned and named in [`PoolLeft`] |
//! | last | every connection that is not out is closed |
//!
//! With `DB_FORCE_CLOSE=false` nothing is cancelled: what runs is waited for until the deadline, and abandoned then. (Pools of
//! Redis have `REDIS_GRACEFUL_CLOSE` instead.) Variable and settings file are read by the runtime that handles the signals of
//! the process; without one everything is as in the table.
//!
//! # Limits
//!
//! - r2d2 closes connections when nobody refers to its pool any more. A clone of the `r2d2::Pool` that the user keeps, or one
//!   connection that is abandoned, keeps the others open, until it is dropped or the process ends. A connection that r2d2 is
//!   opening at that moment is closed as soon as it is open.
//! - While a connection is being opened for a checkout that waits, r2d2 is asked anew every 25 ms, and an event handler of the
//!   user's sees a timeout each time.
//! - A connection that its holder leaves inside of a transaction that it began by hand (`BEGIN` as text) goes back like that,
//!   as r2d2 does it. The transaction types of the drivers roll back when they are dropped, in a panic as well.

mod checkout;
mod closing;
mod drainable;
mod error;
mod gate;
mod holder;
mod status;
mod table;
#[cfg(test)]
mod tests;
mod trouble;

use std::sync::Arc;

pub use ::r2d2;
pub use checkout::Checkout;
#[cfg(feature = "redis")]
pub(crate) use closing::Force;
pub use drainable::Pool;
pub use error::{PoolError, PoolLeft};
pub use holder::{Cancel, Holder};
pub use status::{PoolClosed, PoolState, PoolStatus};
#[cfg(feature = "redis")]
pub(crate) use trouble::Trouble;
#[cfg(any(feature = "postgres", feature = "sqlite"))]
pub(crate) use trouble::open_all;
#[cfg(feature = "postgres")]
pub(crate) use trouble::with_causes;

use graceful_core::{BoxError, Deadline};

/// Ends whatever a connection is doing, from another thread. It is made once for each connection and may be called many
/// times; it may block or fail, and has no effect while the connection is idle.
pub type Canceller = Arc<dyn Fn() -> Result<(), BoxError> + Send + Sync>;

/// A manager of connections that knows how they are cancelled and closed. Those of the database features do; for any other,
/// there is [`Pool::with_canceller`].
pub trait Managed: r2d2::ManageConnection + Sized {
    /// What ends whatever this connection is doing. Called once for each connection, when it is first checked out.
    fn canceller(connection: &mut Self::Connection) -> Option<Canceller>;

    /// The last thing that happens before the connections are closed. **Default: nothing**.
    ///
    /// # Errors
    /// They make [`Pool::close`] fail; the connections are closed all the same.
    ///
    /// # Blocking
    /// It runs on a thread of its own, which is left behind at the deadline.
    fn farewell(pool: &r2d2::Pool<Self>, deadline: Deadline) -> Result<(), BoxError> {
        let _ = (pool, deadline);
        Ok(())
    }
}
