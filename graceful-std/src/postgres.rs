//! PostgreSQL in a [`Pool`] that closes well.
//!
//! ```no_run
//! use graceful::pool::{Pool, PoolLeft};
//! use graceful::postgres::{self, NoTls, PostgresConnectionManager};
//! use graceful::{App, BoxError, Deadline, cleanup};
//!
//! struct Db { pool: Pool<PostgresConnectionManager<NoTls>> }
//!
//! #[graceful::main(timeout = "30s")]
//! fn main(app: &App) -> Result<(), BoxError> {
//!     let pool = postgres::open("postgres://orders@db.internal/orders", 8)?;
//!     pool.get()?.batch_execute("CREATE TABLE IF NOT EXISTS orders (id bigserial PRIMARY KEY, item text NOT NULL)")?;
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
//! A transaction that ends in time is committed; one whose query is cancelled shortly before the deadline is rolled back, and
//! so is one that is abandoned, by the server, when the process ends.
//!
//! # What the driver brings
//!
//! The driver is synchronous for its user and asynchronous inside: each connection has a small tokio runtime of its own,
//! which runs on the thread that uses the connection, and only while it does. It starts no threads, and nothing else becomes
//! asynchronous, but tokio is in the dependency tree of who asks for this feature. A cancellation opens a connection of its own.
//!
//! # TLS, and pools of one's own
//!
//! [`open_with`] takes a TLS connector, from `postgres-native-tls`, `postgres-openssl` or `tokio-postgres-rustls`. Write
//! `sslmode=require` into the URL as well: without it the driver goes on in plain text with whoever says that he has no TLS.
//! Cancellations take the same way. A pool that is there already goes into [`Pool::new`], or, with TLS, into
//! [`Pool::with_canceller`] with [`canceller`].
//!
//! # Limits
//!
//! - The driver waits for an answer without a limit. A server that is frozen, or a network that drops everything, holds up
//!   whoever asks, [`Pool::get`] included, since it tests each connection. In a shutdown they are abandoned at the deadline and
//!   named; while the service serves, `tcp_user_timeout` in the URL and `statement_timeout` on the server are the limits to set.
//! - The server forgets a cancellation that arrives before the query that it is meant for. The pool sends more of them until the
//!   connection is back or the deadline comes; but a query that the server begins only after our process has ended, since it was
//!   frozen or behind a slow network, runs on until the server writes to us and finds nobody there.
//!   `client_connection_check_interval` (PostgreSQL 14 and later, off by default) makes it look while the query runs.

use std::error::Error;
use std::fmt;
use std::sync::{Arc, mpsc};
use std::thread;
use std::time::Duration;

pub use ::postgres as driver;
pub use ::postgres::{Client, Config, NoTls};
pub use ::r2d2_postgres::PostgresConnectionManager;

use ::postgres::Socket;
use ::postgres::config::Host;
use ::postgres::tls::{MakeTlsConnect, TlsConnect};
use ::r2d2::ManageConnection as _;
use graceful_core::BoxError;

use crate::pool::{Canceller, Managed, Pool, PoolError, open_all, with_causes};

/// Why there is no pool.
#[derive(Debug)]
#[non_exhaustive]
pub enum OpenError {
    /// The server did not let us in, or there is none.
    Connect {
        /// Where, as whom and to which database; without the password.
        target: String,
        /// What the driver or the server says.
        source: BoxError,
    },
    /// The URL is none.
    Url {
        /// What is wrong with it.
        source: BoxError,
    },
}

/// How long the first connection may take to be opened, and a checkout waits for one.
const PATIENCE: Duration = Duration::from_secs(5);

/// How long the others together may take.
const OPENING: Duration = Duration::from_secs(20);

/// Opens a pool of `size` connections, without TLS. See [`open_with`]; the pool's name is `postgres`.
///
/// The URL is `postgres://user:password@host:port/database?option=value`, or `host=… user=…`.
///
/// # Errors
/// [`OpenError`] says where, as whom, and what the server said.
///
/// # Blocking
/// Up to 5 s for the first connection and 20 s for the others.
pub fn open(url: &str, size: u32) -> Result<Pool<PostgresConnectionManager<NoTls>>, OpenError> {
    let config = url.parse().map_err(|error| OpenError::Url { source: with_causes(&error).into() })?;
    open_with("postgres", config, NoTls, size)
}

/// Opens a pool of `size` connections, all of them at once.
///
/// What the configuration leaves open is set: the application's name, which `pg_stat_activity` shows, is the program's, and the
/// timeout of connecting is 5 s. A checkout waits up to 5 s for a connection, and tests it, which is one round trip: it survives
/// a restart of the server. Connections are replaced after 30 minutes.
///
/// # Errors
/// [`OpenError`] says where, as whom, and what the server said.
///
/// # Blocking
/// Up to 5 s for the first connection and 20 s for the others.
pub fn open_with<T>(
    name: impl Into<String>,
    mut config: Config,
    tls: T,
    size: u32,
) -> Result<Pool<PostgresConnectionManager<T>>, OpenError>
where
    T: MakeTlsConnect<Socket> + Clone + Send + Sync + 'static,
    T::TlsConnect: Send,
    T::Stream: Send,
    <T::TlsConnect as TlsConnect<Socket>>::Future: Send,
{
    if config.get_application_name().is_none() {
        config.application_name(&program());
    }
    if config.get_connect_timeout().is_none() {
        config.connect_timeout(PATIENCE);
    }
    let target = target(&config);
    let failed = |source: BoxError| OpenError::Connect { target: target.clone(), source };
    // Tried here first, since r2d2 would try wrong passwords for seconds.
    try_once(PostgresConnectionManager::new(config.clone(), tls.clone())).map_err(failed)?;
    let builder = ::r2d2::Pool::builder().max_size(size.max(1)).connection_timeout(PATIENCE);
    let manager = PostgresConnectionManager::new(config, tls.clone());
    let (pool, trouble) = open_all(builder, manager, OPENING).map_err(failed)?;
    Ok(Pool::build(name.into(), pool, Box::new(canceller(tls)), |_, _| Ok(()), trouble))
}

/// What cancels the queries of a connection, for [`Pool::with_canceller`]. Cancelling needs a connection of its own, and so
/// the TLS connector again.
pub fn canceller<T>(tls: T) -> impl Fn(&mut Client) -> Option<Canceller> + Send + Sync + 'static
where
    T: MakeTlsConnect<Socket> + Clone + Send + Sync + 'static,
{
    move |client| {
        let (token, tls) = (client.cancel_token(), tls.clone());
        Some(Arc::new(move || token.cancel_query(tls.clone()).map_err(|error| with_causes(&error).into())))
    }
}

/// Whether the server answers: for a readiness check.
///
/// # Errors
/// No connection came free, or what the server says.
///
/// # Blocking
/// Up to `timeout` for a connection, then for the server, without a limit.
#[track_caller]
pub fn ping<T>(pool: &Pool<PostgresConnectionManager<T>>, timeout: Duration) -> Result<(), BoxError>
where
    T: MakeTlsConnect<Socket> + Clone + Send + Sync + 'static,
    T::TlsConnect: Send,
    T::Stream: Send,
    <T::TlsConnect as TlsConnect<Socket>>::Future: Send,
{
    let mut client = pool.get_timeout(timeout).map_err(Box::<PoolError>::new)?;
    client.simple_query("SELECT 1").map_err(|error| with_causes(&error))?;
    Ok(())
}

impl Managed for PostgresConnectionManager<NoTls> {
    fn canceller(client: &mut Client) -> Option<Canceller> {
        canceller(NoTls)(client)
    }
}

/// One connection, opened and closed. On a thread of its own: a server that accepts and says nothing would hold us up.
fn try_once<T>(manager: PostgresConnectionManager<T>) -> Result<(), BoxError>
where
    T: MakeTlsConnect<Socket> + Clone + Send + Sync + 'static,
    T::TlsConnect: Send,
    T::Stream: Send,
    <T::TlsConnect as TlsConnect<Socket>>::Future: Send,
{
    let (told, result) = mpsc::channel();
    thread::Builder::new().name("gf-pg-open".into()).spawn(move || {
        let tried = manager.connect().map(drop).map_err(|error| with_causes(&error));
        // Nobody listens any more after the timeout.
        let _ = told.send(tried);
    })?;
    match result.recv_timeout(PATIENCE) {
        Ok(tried) => Ok(tried?),
        Err(mpsc::RecvTimeoutError::Timeout) => Err(format!("no answer within {PATIENCE:?}").into()),
        Err(mpsc::RecvTimeoutError::Disconnected) => Err("the driver panicked".into()),
    }
}

/// `orders@db.internal:5432/orders`.
fn target(config: &Config) -> String {
    let ports = config.get_ports();
    let host = |(place, host): (usize, &Host)| {
        let port = ports.get(place).or(ports.first()).copied().unwrap_or(5432);
        match host {
            Host::Tcp(name) => format!("{name}:{port}"),
            #[cfg(unix)]
            Host::Unix(path) => format!("{}:{port}", path.display()),
        }
    };
    let hosts: Vec<_> = config.get_hosts().iter().enumerate().map(host).collect();
    let user = config.get_user().unwrap_or("?");
    let database = config.get_dbname().unwrap_or(user);
    format!("{user}@{}/{database}", hosts.join(","))
}

fn program() -> String {
    let path = std::env::current_exe().ok();
    let stem = path.as_deref().and_then(|path| path.file_stem());
    stem.map_or_else(|| "graceful".to_owned(), |stem| stem.to_string_lossy().into_owned())
}

impl fmt::Display for OpenError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Connect { target, source } => write!(f, "PostgreSQL at {target} cannot be used: {source}"),
            Self::Url { source } => {
                write!(f, "the URL of PostgreSQL is not understood: {source}; write postgres://user@host/database")
            }
        }
    }
}

impl Error for OpenError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Connect { source, .. } | Self::Url { source } => Some(&**source),
        }
    }
}

#[cfg(test)]
mod tests;
