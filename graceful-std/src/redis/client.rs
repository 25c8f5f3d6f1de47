//! Redis, as a service uses it.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use ::redis::{Cmd, ConnectionLike as _, IntoConnectionInfo, RedisError};
use graceful_core::Deadline;

use super::counters::Counters;
use super::farewell::{self, Farewell};
use super::manager::CONNECT_TIMEOUT;
use super::pending::{Pending, Sender};
use super::subscription::{self, Feed, Kind};
use super::{Error, Manager, RedisLeft, Statistics, Subscription, Unflushed};
use crate::pool::{Checkout, Pool, PoolClosed, Trouble};

/// A pool of connections, commands that are sent later, and subscriptions. Cheap to clone.
#[derive(Clone)]
pub struct Redis {
    shared: Arc<Shared>,
}

struct Shared {
    pool: Pool<Manager>,
    /// For connections outside of the pool.
    manager: Manager,
    pending: Pending,
    feeds: Mutex<Vec<Arc<Feed>>>,
}

/// How long a flush that nobody asked for may take.
const UNASKED: Duration = Duration::from_secs(5);

/// How long the server is asked whether it is well before the pool is closed.
const LAST_PING: Duration = Duration::from_millis(500);

/// Opens a pool of at most `size` connections (at least one): `redis://user:password@host:6379/0`, or
/// `redis+unix:///path?db=0&user=…&pass=…`.
///
/// Connections are opened when they are needed and closed after 10 minutes without use. One that the server has closed is
/// noticed before it is given out.
///
/// # Errors
/// When the address is wrong, the server cannot be reached, or it refuses user or password: its text says which, and where.
///
/// # Blocking
/// Until a first connection is open; at most 5 s, and as long as the system takes to resolve the name.
pub fn open(url: &str, size: u32) -> Result<Redis, RedisError> {
    let manager = Manager::new(url.into_connection_info()?);
    // What is wrong is told by the first one, and not after the pool has tried it again and again.
    drop(manager.connect_within(CONNECT_TIMEOUT)?);
    let trouble = Trouble::default();
    let pool = ::r2d2::Pool::builder()
        .max_size(size.max(1))
        .min_idle(Some(1))
        .connection_timeout(CONNECT_TIMEOUT)
        .error_handler(Box::new(trouble.clone()))
        .build_unchecked(manager.clone());
    let canceller = Box::new(<Manager as crate::pool::Managed>::canceller);
    let pool = Pool::forced("redis".into(), pool, canceller, |_, _| Ok(()), trouble, farewell::force);
    Ok(Redis { shared: Arc::new(Shared { pool, manager, pending: Pending::default(), feeds: Mutex::default() }) })
}

impl Redis {
    /// A connection, on which everything of the `redis` crate works.
    ///
    /// # Errors
    /// [`Error::Pool`] says what to do.
    ///
    /// # Blocking
    /// Up to 5 s, and no longer than until the pool closes.
    #[track_caller]
    pub fn get(&self) -> Result<Checkout<Manager>, Error> {
        Ok(self.shared.pool.get()?)
    }

    /// The pool.
    #[must_use]
    pub fn pool(&self) -> &Pool<Manager> {
        &self.shared.pool
    }

    /// Asks the server whether it is there, and tells how long that took: for a readiness check.
    ///
    /// # Errors
    /// When it does not answer, refuses, or no connection comes free.
    ///
    /// # Blocking
    /// Up to the timeout.
    #[track_caller]
    pub fn ping(&self, timeout: Duration) -> Result<Duration, Error> {
        let asked = Instant::now();
        let mut connection = self.shared.pool.get_timeout(timeout)?;
        connection.set_timeout(Some(timeout.saturating_sub(asked.elapsed())))?;
        ::redis::cmd("PING").exec(&mut *connection)?;
        connection.set_timeout(None)?;
        Counters::add(&self.counters().pings, 1);
        Ok(asked.elapsed())
    }

    /// Adds a command whose answer nobody waits for. It is sent with others: when 256 are pending, with
    /// [`flush`](Redis::flush), or when everything is [closed](Redis::close); in the order in which they were added.
    ///
    /// A command whose answer did not come is sent again, so doing it twice must do no harm. One that the server refuses is
    /// not; the next flush tells.
    ///
    /// # Errors
    /// [`Error::Closed`]; [`Error::Full`] when 65536 are pending because they cannot be sent.
    ///
    /// # Blocking
    /// The 256th sends them, which takes a round trip, and up to 5 s when the server hangs.
    pub fn push(&self, command: Cmd) -> Result<(), Error> {
        if self.shared.pending.push(command)?
            && let Err(left) = self.flush(Deadline::after(UNASKED))
        {
            let why = left.to_string();
            log::warn!(target: "graceful", error = why.as_str(); "redis commands not flushed");
        }
        Ok(())
    }

    /// Sends what is [pending](Redis::push), and tells how many commands that were.
    ///
    /// # Errors
    /// [`Unflushed`] tells how many are still pending and how many the server has refused.
    ///
    /// # Blocking
    /// Until the deadline.
    pub fn flush(&self, deadline: Deadline) -> Result<usize, Unflushed> {
        self.shared.pending.flush(deadline.instant(), self.counters(), || {
            let connection = self.shared.pool.get_timeout(deadline.remaining())?;
            connection.set_timeout(Some(deadline.remaining()))?;
            Ok(Box::new(Limited(connection)))
        })
    }

    /// Subscribes to channels.
    ///
    /// # Errors
    /// [`Error::Command`] when the server refuses or cannot be reached, [`Error::Thread`].
    ///
    /// # Blocking
    /// Until the server has confirmed it, at most 10 s.
    pub fn subscribe<S: Into<String>>(&self, channels: impl IntoIterator<Item = S>) -> Result<Subscription, Error> {
        self.listen(channels.into_iter().map(Into::into).collect(), Kind::Channels)
    }

    /// Subscribes to patterns, as `orders.*`.
    ///
    /// # Errors
    /// As [`subscribe`](Redis::subscribe).
    ///
    /// # Blocking
    /// As [`subscribe`](Redis::subscribe).
    pub fn psubscribe<S: Into<String>>(&self, patterns: impl IntoIterator<Item = S>) -> Result<Subscription, Error> {
        self.listen(patterns.into_iter().map(Into::into).collect(), Kind::Patterns)
    }

    /// What it has done so far.
    #[must_use]
    pub fn statistics(&self) -> Statistics {
        Statistics::new(self.counters(), self.shared.pending.len(), self.shared.pool.status())
    }

    /// Closes everything, as the [module](super) tells: flushes what is pending, ends the subscriptions, closes the pool, and
    /// logs the [statistics](Statistics).
    ///
    /// # Errors
    /// [`RedisLeft`] names what was not flushed, what had to be cancelled, and who did not come back.
    ///
    /// # Blocking
    /// Until everything is closed, and no longer than the deadline.
    pub fn close(&self, deadline: Deadline) -> Result<PoolClosed, RedisLeft> {
        let shared = &self.shared;
        shared.pending.close();
        let feeds = std::mem::take(&mut *shared.feeds.lock().unwrap_or_else(PoisonError::into_inner));
        feeds.iter().for_each(|feed| feed.leave());
        let farewell = Farewell::wanted();
        let unflushed = match farewell {
            Farewell::None => self.dropped(),
            Farewell::Said => self.farewell(deadline).err(),
        };
        let mut left = RedisLeft { unflushed, ..RedisLeft::default() };
        let polite_until = match farewell {
            Farewell::None => Instant::now(),
            Farewell::Said => Instant::now() + deadline.remaining() / 4,
        };
        left.subscriptions = subscription::end(&feeds, polite_until, Deadline::after(deadline.remaining() / 2));
        let statistics = self.statistics();
        let closed = shared.pool.close(deadline).map_err(|still_out| left.pool = Some(Box::new(still_out)));
        left.cancelled = self.counters().cancelled();
        let closed = closed.unwrap_or_default();
        let statistics = statistics.to_string();
        log::info!(target: "graceful", cancelled = closed.cancelled, statistics = statistics.as_str(); "redis closed");
        if left.is_nothing() { Ok(closed) } else { Err(left) }
    }

    /// Sends what is pending over a connection of its own: all others may be busy. While nothing is, the server is asked
    /// whether it is well, for the log.
    fn farewell(&self, deadline: Deadline) -> Result<(), Unflushed> {
        let pending = self.shared.pending.len();
        let time = if pending > 0 { deadline.remaining() / 2 } else { LAST_PING.min(deadline.remaining() / 8) };
        let until = Instant::now() + time;
        let connect = || {
            let left = || until.saturating_duration_since(Instant::now());
            let mut connection = self.shared.manager.connect_within(left())?;
            connection.set_timeout(Some(left()))?;
            if !connection.check_connection() {
                let why = "the server does not answer PING";
                return Err(RedisError::from(std::io::Error::new(std::io::ErrorKind::TimedOut, why)).into());
            }
            Counters::add(&self.counters().pings, 1);
            Ok(connection)
        };
        if pending == 0 {
            if let Err(error) = connect() {
                let why = Error::to_string(&error);
                log::warn!(target: "graceful", error = why.as_str(); "redis is closed without a farewell");
            }
            return Ok(());
        }
        self.shared.pending.flush(until, self.counters(), || Ok(Box::new(connect()?))).map(drop)
    }

    /// What is pending and will not be sent, as somebody wished.
    fn dropped(&self) -> Option<Unflushed> {
        let left = self.shared.pending.len();
        let why = "REDIS_GRACEFUL_CLOSE is off".to_owned();
        (left > 0).then_some(Unflushed { left, refused: 0, error: Some(why) })
    }

    fn listen(&self, channels: Vec<String>, kind: Kind) -> Result<Subscription, Error> {
        let (subscription, feed) = Subscription::open(self.shared.manager.clone(), channels, kind)?;
        let mut feeds = self.shared.feeds.lock().unwrap_or_else(PoisonError::into_inner);
        feeds.retain(|feed| !feed.has_ended());
        feeds.push(feed);
        Ok(subscription)
    }

    fn counters(&self) -> &Counters {
        &self.shared.manager.counters
    }
}

/// A connection of the pool that has no limit any more when it goes back.
struct Limited(Checkout<Manager>);

impl Sender for Limited {
    fn send(&mut self, commands: &[Cmd]) -> Result<Vec<::redis::Value>, RedisError> {
        self.0.send(commands)
    }
}

impl Drop for Limited {
    fn drop(&mut self) {
        // A socket that cannot be told is broken.
        drop(self.0.set_timeout(None));
    }
}

impl fmt::Debug for Redis {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Redis").field("manager", &self.shared.manager).finish_non_exhaustive()
    }
}
