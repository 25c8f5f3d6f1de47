//! A session's socket: reads and writes that do not block, and waits that do.

use std::fmt;
use std::io::{self, IoSlice};
use std::net::Shutdown;
use std::sync::Arc;
use std::time::Instant;

use super::registry::Conn;
use super::wait;
use crate::clock;

/// The socket of a connection. It stays open until the connection has ended and the last wire is dropped; when the connection
/// ends while there are wires, it is shut down.
#[derive(Clone)]
pub struct Wire {
    pub(super) conn: Arc<Conn>,
}

/// What [`Wire::wait`] waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wanted {
    /// Something to read, or the end of it.
    Bytes,
    /// Room for something to be written, or an error.
    Room,
}

/// Why [`Wire::wait`] came back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Waited {
    /// The socket is ready.
    Ready,
    /// The drain has begun since the call. A wait that begins while it is under way does not end for it.
    Stopping,
    /// The time is over.
    TimedOut,
}

impl Wire {
    /// Reads what is there.
    ///
    /// # Errors
    /// `WouldBlock` when there is nothing, and what the system says, such as `ConnectionReset`.
    pub fn read(&self, bytes: &mut [u8]) -> io::Result<usize> {
        self.conn.stream.read_now(bytes)
    }

    /// Writes as much as there is room for.
    ///
    /// # Errors
    /// `WouldBlock` when there is none, and what the system says, such as `BrokenPipe`.
    pub fn write(&self, bytes: &[u8]) -> io::Result<usize> {
        self.conn.stream.write_now(bytes)
    }

    /// Writes as much of several pieces as there is room for.
    ///
    /// # Errors
    /// As [`write`](Wire::write).
    pub fn write_vectored(&self, pieces: &[IoSlice<'_>]) -> io::Result<usize> {
        self.conn.stream.write_vectored_now(pieces)
    }

    /// Waits until the socket is ready for a read or write, `until` has passed, or the drain begins. A connection that is cut is
    /// ready, and says so when it is used.
    ///
    /// # Errors
    /// What the system says when it cannot wait.
    ///
    /// # Blocking
    /// Until then: not on an event loop.
    pub fn wait(&self, wanted: Wanted, until: Option<Instant>) -> io::Result<Waited> {
        wait::ready(self.conn.held.core(), &self.conn.stream, wanted, until.map(clock::until))
    }

    /// Closes one direction or both for good.
    ///
    /// # Errors
    /// What the system says, such as `NotConnected` when the peer has reset the connection.
    pub fn shutdown(&self, how: Shutdown) -> io::Result<()> {
        self.conn.stream.shutdown(how)
    }

    /// The number of the connection.
    #[must_use]
    pub fn id(&self) -> u64 {
        self.conn.id
    }
}

impl fmt::Debug for Wire {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Wire").field("connection", &self.conn.id).finish_non_exhaustive()
    }
}
