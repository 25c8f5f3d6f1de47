//! The pool.

use std::fmt;
use std::panic::Location;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use ::r2d2::{ManageConnection, PooledConnection};
use graceful_core::{BoxError, Deadline};

use super::checkout::Seat;
use super::closing::Force;
use super::gate::{Gate, Refused, Tag};
use super::trouble::Trouble;
use super::{Canceller, Checkout, Managed, PoolClosed, PoolError, PoolLeft, PoolStatus, closing};

/// A pool of connections that can be closed without losing work. Cheap to clone.
pub struct Pool<M: ManageConnection> {
    shared: Arc<Shared<M>>,
}

pub(super) struct Shared<M: ManageConnection> {
    pub(super) name: String,
    timeout: Duration,
    pub(super) gate: Gate<::r2d2::Pool<M>>,
    cancellers: Box<Cancellers<M>>,
    pub(super) farewell: fn(&::r2d2::Pool<M>, Deadline) -> Result<(), BoxError>,
    /// Asked when it closes: that is when the setting counts.
    pub(super) force: fn() -> Force,
    trouble: Trouble,
    /// Of the next connection that is seen for the first time.
    number: AtomicU64,
}

type Cancellers<M> = dyn Fn(&mut <M as ManageConnection>::Connection) -> Option<Canceller> + Send + Sync;

/// How long r2d2 is asked for a connection before it is seen whether the pool closes: nobody can be woken in there.
const SLICE: Duration = Duration::from_millis(25);

/// What r2d2 says first when it knows what went wrong.
const BECAUSE: &str = "timed out waiting for connection: ";

/// Instead of an instant that cannot be represented.
const A_YEAR: Duration = Duration::from_secs(365 * 24 * 3600);

impl<M: Managed> Pool<M> {
    /// Takes a pool over. `name` is for errors and the report.
    ///
    /// A clone that is kept elsewhere still gives connections out, which are not waited for, and keeps connections open.
    #[must_use]
    pub fn new(name: impl Into<String>, pool: ::r2d2::Pool<M>) -> Self {
        Self::build(name.into(), pool, Box::new(M::canceller), M::farewell, Trouble::default())
    }
}

impl<M: ManageConnection> Pool<M> {
    /// As [`new`](Pool::new), for a manager that is not [`Managed`]: `canceller` makes what ends whatever a connection is
    /// doing, and is called once for each connection. Let it return `None` where there is no way.
    #[must_use]
    pub fn with_canceller(
        name: impl Into<String>,
        pool: ::r2d2::Pool<M>,
        canceller: impl Fn(&mut M::Connection) -> Option<Canceller> + Send + Sync + 'static,
    ) -> Self {
        Self::build(name.into(), pool, Box::new(canceller), |_, _| Ok(()), Trouble::default())
    }

    pub(crate) fn build(
        name: String,
        pool: ::r2d2::Pool<M>,
        cancellers: Box<Cancellers<M>>,
        farewell: fn(&::r2d2::Pool<M>, Deadline) -> Result<(), BoxError>,
        trouble: Trouble,
    ) -> Self {
        Self::forced(name, pool, cancellers, farewell, trouble, closing::force_of_databases)
    }

    /// As [`build`](Pool::build), where something else than `DB_FORCE_CLOSE` says when work is cancelled.
    pub(crate) fn forced(
        name: String,
        pool: ::r2d2::Pool<M>,
        cancellers: Box<Cancellers<M>>,
        farewell: fn(&::r2d2::Pool<M>, Deadline) -> Result<(), BoxError>,
        trouble: Trouble,
        force: fn() -> Force,
    ) -> Self {
        let timeout = pool.connection_timeout();
        let seats = pool.max_size() as usize;
        let gate = Gate::new(pool, seats);
        let number = AtomicU64::new(1);
        Self { shared: Arc::new(Shared { name, timeout, gate, cancellers, farewell, force, trouble, number }) }
    }

    /// A connection.
    ///
    /// # Errors
    /// [`PoolError`] says what to do.
    ///
    /// # Blocking
    /// Up to the `connection_timeout` of the pool, **default: `30 s`** (those that `graceful` opens: `5 s`), and no longer
    /// than until the pool closes. A test of the connection that hangs (r2d2's `test_on_check_out`) has no limit.
    #[track_caller]
    pub fn get(&self) -> Result<Checkout<M>, PoolError> {
        self.take(self.shared.timeout, Location::caller())
    }

    /// As [`get`](Self::get), with a timeout of one's own.
    ///
    /// # Errors
    /// [`PoolError`] says what to do.
    ///
    /// # Blocking
    /// Up to the timeout, and no longer than until the pool closes.
    #[track_caller]
    pub fn get_timeout(&self, timeout: Duration) -> Result<Checkout<M>, PoolError> {
        self.take(timeout, Location::caller())
    }

    /// The pool's name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.shared.name
    }

    /// How it stands.
    #[must_use]
    pub fn status(&self) -> PoolStatus {
        let (state, _, waiting, holders) = self.shared.gate.look();
        let counts = self.shared.gate.pool().map(|pool| pool.state());
        let count = |of: fn(&::r2d2::State) -> u32| counts.as_ref().map_or(0, |counts| of(counts) as usize);
        PoolStatus {
            name: self.shared.name.clone(),
            state,
            connections: count(|counts| counts.connections),
            idle: count(|counts| counts.idle_connections),
            out: holders.len(),
            waiting,
            holders,
        }
    }

    /// Closes the pool, as the [module](super) tells. Once it is closed, this tells again how; when some were left, it tries
    /// again.
    ///
    /// # Errors
    /// [`PoolLeft`] names those who still have a connection, and tells what went wrong with the others.
    ///
    /// # Blocking
    /// Until everything is closed, and no longer than the deadline. Several threads may close: one does, the others wait for
    /// it, each until its own deadline.
    pub fn close(&self, deadline: Deadline) -> Result<PoolClosed, PoolLeft> {
        closing::close(&self.shared, deadline)
    }

    fn take(&self, timeout: Duration, location: &'static Location<'static>) -> Result<Checkout<M>, PoolError> {
        let shared = &self.shared;
        let since = Instant::now();
        let until = since.checked_add(timeout).unwrap_or_else(|| since + A_YEAR);
        let refused = |refused: Refused| refused.into_error(&shared.name, since.elapsed());
        let (place, pool) = shared.gate.enter(location, since, until).map_err(refused)?;
        // Declared before the connection, and so dropped after it.
        let seat = Seat { shared: Arc::clone(shared), place };
        let mut connection = match pool.try_get() {
            Some(connection) => connection,
            None => shared.wait(&pool, since, until)?,
        };
        let tag = shared.tag(&mut connection);
        shared.gate.seated(place, tag).map_err(refused)?;
        Ok(Checkout { connection, seat })
    }
}

impl<M: ManageConnection> Shared<M> {
    /// For a connection that is being opened, or is with somebody who has a clone of the r2d2 pool.
    #[cold]
    fn wait(&self, pool: &::r2d2::Pool<M>, since: Instant, until: Instant) -> Result<PooledConnection<M>, PoolError> {
        let mut error = None;
        loop {
            let left = until.saturating_duration_since(Instant::now());
            match pool.get_timeout(left.min(SLICE)) {
                Ok(connection) => return Ok(connection),
                Err(told) => error = told.to_string().strip_prefix(BECAUSE).map(str::to_owned).or(error),
            }
            let name = || self.name.clone();
            if !self.gate.is_open() {
                return Err(PoolError::Closed { name: name() });
            }
            if Instant::now() >= until {
                let waited = since.elapsed();
                return Err(match error {
                    Some(error) => {
                        PoolError::Connect { name: name(), waited, source: self.trouble.last().unwrap_or(error).into() }
                    }
                    None => PoolError::TimedOut { name: name(), waited, holders: self.gate.look().3 },
                });
            }
        }
    }

    /// What is known of a connection; it is made when the connection is seen for the first time.
    fn tag(&self, connection: &mut PooledConnection<M>) -> Arc<Tag> {
        if let Some(tag) = PooledConnection::extensions(connection).get::<Arc<Tag>>() {
            return Arc::clone(tag);
        }
        let canceller = (self.cancellers)(connection);
        let tag = Arc::new(Tag { number: self.number.fetch_add(1, Ordering::Relaxed), canceller });
        PooledConnection::extensions_mut(connection).insert(Arc::clone(&tag));
        tag
    }
}

impl<M: ManageConnection> Clone for Pool<M> {
    fn clone(&self) -> Self {
        Self { shared: Arc::clone(&self.shared) }
    }
}

impl<M: ManageConnection> fmt::Debug for Pool<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pool").field("name", &self.shared.name).finish_non_exhaustive()
    }
}
