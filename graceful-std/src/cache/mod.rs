//! A bounded cache that knows its hit rate, and a queue that writes behind.
//!
//! Both end well: the cache has one line of statistics for the log, and the queue writes what it holds inside the time that its
//! hook is given.
//!
//! ```
//! use graceful::cache::{Cache, Unwritten, WriteBehind};
//! use graceful::{Deadline, cleanup};
//!
//! struct Stock { levels: Cache<String, u64>, changes: WriteBehind<(String, u64)> }
//!
//! #[cleanup(order = 10, timeout = "5s")]
//! fn flush_stock(stock: &Stock, deadline: Deadline) -> Result<(), Unwritten> {
//!     log::info!("stock: {}", stock.levels.statistics());
//!     stock.levels.clear();
//!     stock.changes.close(deadline)
//! }
//! ```

mod store;
mod write_behind;

pub use store::{Cache, Statistics};
pub use write_behind::{PushError, Unwritten, WriteBehind};
