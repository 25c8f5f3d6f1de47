//! How the pool opens connections.

use std::fmt;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use ::r2d2::ManageConnection;
use ::redis::{ConnectionInfo, RedisError};

use super::Connection;
use super::counters::Counters;
use crate::pool::{Canceller, Managed};

/// Opens the connections of a pool.
#[derive(Clone)]
pub struct Manager {
    info: ConnectionInfo,
    timeout: Duration,
    pub(super) counters: Arc<Counters>,
}

/// How long a connection may take to be opened.
pub(super) const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

impl Manager {
    pub(super) fn new(info: ConnectionInfo) -> Self {
        Self { info, timeout: CONNECT_TIMEOUT, counters: Arc::default() }
    }

    pub(super) fn connect_within(&self, timeout: Duration) -> Result<Connection, RedisError> {
        Connection::open(&self.info, timeout, &self.counters)
    }
}

impl ManageConnection for Manager {
    type Connection = Connection;
    type Error = RedisError;

    fn connect(&self) -> Result<Connection, RedisError> {
        self.connect_within(self.timeout)
    }

    /// Asks the kernel, not the server: that costs a microsecond and cannot hang.
    fn is_valid(&self, connection: &mut Connection) -> Result<(), RedisError> {
        if connection.is_usable() {
            Ok(())
        } else {
            Err(io::Error::new(io::ErrorKind::NotConnected, "the server has closed the connection").into())
        }
    }

    fn has_broken(&self, connection: &mut Connection) -> bool {
        !::redis::ConnectionLike::is_open(connection)
    }
}

/// What cancels is the shutdown of the socket: the command ends at once with an error, even when the server hangs. Whether
/// the server has done it, or will, is not known then.
impl Managed for Manager {
    fn canceller(connection: &mut Connection) -> Option<Canceller> {
        // Without a descriptor for it, its holder is named and not cancelled.
        connection.canceller().ok()
    }
}

impl fmt::Debug for Manager {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Not the rest, where the password is.
        f.debug_struct("Manager").field("address", self.info.addr()).finish_non_exhaustive()
    }
}
