//! SQLite in a [`Pool`] that closes well. SQLite itself is compiled in.
//!
//! ```no_run
//! use graceful::pool::{Pool, PoolLeft};
//! use graceful::sqlite::{self, SqliteConnectionManager};
//! use graceful::{App, BoxError, Deadline, cleanup};
//!
//! struct Db { pool: Pool<SqliteConnectionManager> }
//!
//! #[graceful::main(timeout = "30s")]
//! fn main(app: &App) -> Result<(), BoxError> {
//!     let pool = sqlite::open("orders.db", 8)?;
//!     pool.get()?.execute_batch("CREATE TABLE IF NOT EXISTS orders (id INTEGER PRIMARY KEY, item TEXT NOT NULL)")?;
//!     app.provide(Db { pool });
//!     Ok(())
//! }
//!
//! #[cleanup(order = 20, timeout = "5s")]
//! fn close_db(db: &Db, deadline: Deadline) -> Result<(), PoolLeft> {
//!     db.pool.close(deadline).map(drop)
//! }
//! ```
//!
//! What still runs shortly before the deadline is interrupted (`sqlite3_interrupt`), which rolls back the transaction that it
//! belongs to. What waits for another connection's or process' lock gives up then: `database is locked`, as when its patience is
//! over. Last, the write-ahead log is written into the database and emptied (`wal_checkpoint(TRUNCATE)`).
//! Neither is needed for what has been committed: a process that is killed loses nothing of it, and the next one finds the
//! write-ahead log.
//!
//! A pool of one's own, from [`r2d2_sqlite`](SqliteConnectionManager), goes into [`Pool::new`] and is closed the same way.
//!
//! # Limits
//!
//! - `sqlite3_interrupt` does not end the wait for a lock, so the pool has a busy handler of its own in each connection, which is
//!   as patient as the `busy_timeout` that it finds there when the connection is first checked out. `PRAGMA busy_timeout` reads
//!   0 from then on. Who sets another one afterwards, or had a handler there already, keeps it, and a wait in it ends by itself
//!   only. So it is with every connection past the 256th that the process has in pools at the same time.

mod busy;

use std::error::Error;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

pub use ::r2d2_sqlite::SqliteConnectionManager;
pub use ::rusqlite;

use ::r2d2::ManageConnection;
use ::rusqlite::Connection;
use graceful_core::{BoxError, Deadline};

use self::busy::Waiting;
use crate::pool::{Canceller, Managed, Pool, PoolError, open_all};

/// Why a database could not be opened.
#[derive(Debug)]
#[non_exhaustive]
pub struct OpenError {
    /// The file.
    pub path: PathBuf,
    /// What SQLite says.
    pub source: BoxError,
}

/// How long a statement waits for another connection's write, and a checkout for a connection.
const PATIENCE: Duration = Duration::from_secs(5);

/// How long all connections together may take to be opened.
const OPENING: Duration = Duration::from_secs(20);

/// The order matters: who changes the journal's mode has to wait for others who do.
const SETTINGS: &str = "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON;";

/// Opens a database, which is made if it is missing, with up to `size` connections.
///
/// Each connection has a write-ahead log (readers and the one writer do not block each other), `synchronous = FULL` (what is
/// committed survives a loss of power), foreign keys, and waits up to 5 s for another one's write. A checkout waits up to 5 s
/// for a connection, and does not test it. The pool's name is `sqlite`.
///
/// # Errors
/// [`OpenError`] with the file and what SQLite says.
///
/// # Blocking
/// For the disk, and up to 5 s for another process that is writing; 20 s at most for all connections.
pub fn open(path: impl AsRef<Path>, size: u32) -> Result<Pool<SqliteConnectionManager>, OpenError> {
    let path = path.as_ref();
    let failed = |source: BoxError| OpenError { path: path.to_owned(), source };
    let manager = SqliteConnectionManager::file(path).with_init(|connection| {
        connection.busy_timeout(PATIENCE)?;
        connection.execute_batch(SETTINGS)
    });
    // Tried here, since r2d2 would try for seconds. It stays open until the others are: the first one makes the file.
    let first = manager.connect().map_err(|error| failed(error.into()))?;
    let builder = ::r2d2::Pool::builder()
        .max_size(size.max(1))
        .connection_timeout(PATIENCE)
        .idle_timeout(None)
        .max_lifetime(None)
        .test_on_check_out(false);
    let (pool, trouble) = open_all(builder, manager, OPENING).map_err(failed)?;
    drop(first);
    let canceller = Box::new(SqliteConnectionManager::canceller);
    Ok(Pool::build("sqlite".to_owned(), pool, canceller, SqliteConnectionManager::farewell, trouble))
}

/// Whether the database answers: for a readiness check.
///
/// # Errors
/// No connection came free, or what SQLite says.
///
/// # Blocking
/// Up to `timeout` for a connection, then for the disk.
#[track_caller]
pub fn ping(pool: &Pool<SqliteConnectionManager>, timeout: Duration) -> Result<(), BoxError> {
    let connection = pool.get_timeout(timeout).map_err(Box::<PoolError>::new)?;
    // It reads the file, which `SELECT 1` does not.
    Ok(connection.query_row("SELECT count(*) FROM sqlite_schema", [], |_| Ok(()))?)
}

impl Managed for SqliteConnectionManager {
    fn canceller(connection: &mut Connection) -> Option<Canceller> {
        let (handle, waiting) = (connection.get_interrupt_handle(), Waiting::take_over(connection));
        Some(Arc::new(move || {
            handle.interrupt();
            // In this order: once the wait is over the connection may be somebody else's.
            if let Some(waiting) = &waiting {
                waiting.cancel();
            }
            Ok(())
        }))
    }

    /// Writes the write-ahead log into the database and empties it. One that another process reads is left as it is, which
    /// loses nothing.
    fn farewell(pool: &::r2d2::Pool<Self>, deadline: Deadline) -> Result<(), BoxError> {
        let Some(connection) = pool.try_get() else { return Ok(()) };
        // Half of the time is for the checkpoint itself.
        connection.busy_timeout(deadline.remaining() / 2)?;
        let checkpoint = || connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get::<_, i64>(0));
        let mut done = checkpoint();
        // A cancellation that came too late for whom it was meant hits this instead, and there may be more of them.
        while done.as_ref().is_err_and(is_interruption) && !deadline.remaining().is_zero() {
            done = checkpoint();
        }
        match done {
            Ok(0) => Ok(()),
            Ok(_) => {
                log::info!(target: "graceful", reason = "in_use"; "write-ahead log kept");
                Ok(())
            }
            Err(error) => Err(format!("the write-ahead log was not checkpointed: {error}").into()),
        }
    }
}

fn is_interruption(error: &::rusqlite::Error) -> bool {
    error.sqlite_error_code() == Some(::rusqlite::ErrorCode::OperationInterrupted)
}

impl fmt::Display for OpenError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the SQLite database {} cannot be opened: {}", self.path.display(), self.source)
    }
}

impl Error for OpenError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(&*self.source)
    }
}

#[cfg(test)]
mod tests;
