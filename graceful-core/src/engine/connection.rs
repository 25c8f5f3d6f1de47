//! What a blocking handler gets.

use std::fmt;
use std::io::{self, IoSlice, IoSliceMut, Read, Write};
use std::net::{Shutdown, TcpStream};
#[cfg(unix)]
use std::os::fd::{AsFd, BorrowedFd};
#[cfg(unix)]
use std::os::unix::net::UnixStream;
#[cfg(windows)]
use std::os::windows::io::{AsSocket, BorrowedSocket};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use super::endpoint::{LocalAddress, PeerAddress};
use super::registry::{Activity, Conn, Outcome};
use super::stream::Stream;
use super::wait;
use super::wire::Wire;
use crate::runtime::stop::{Stage, Stop};

/// An accepted connection: a blocking stream that the runtime keeps an eye on.
///
/// It reads and writes like a `TcpStream`, also through a shared reference. Dropping it closes the socket and takes it off
/// the books; until then, and until the handler it was given to has returned, it holds the drain open. When the drain's
/// deadline passes, the socket is shut down under it, so that a blocked read or write comes back.
///
/// A server for a protocol with keep-alive waits for the next request with [`wait_readable`](Connection::wait_readable):
/// then an idle connection ends as soon as the drain begins, and no request is lost.
///
/// # Examples
/// ```
/// use std::io::{BufRead as _, BufReader, Write as _};
/// use graceful_core::{BoxError, Connection, Readable};
///
/// fn serve(connection: Connection) -> Result<(), BoxError> {
///     let mut requests = BufReader::new(&connection);
///     let mut line = String::new();
///     while !requests.buffer().is_empty() || connection.wait_readable(None)? == Readable::Ready {
///         line.clear();
///         if requests.read_line(&mut line)? == 0 {
///             break;
///         }
///         (&connection).write_all(line.to_uppercase().as_bytes())?;
///     }
///     Ok(())
/// }
/// ```
pub struct Connection {
    wire: Wire,
}

/// How long a request that crosses the beginning of the drain is waited for.
const LAST_CHANCE: Duration = Duration::from_millis(50);

/// Why [`Connection::wait_readable`] came back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Readable {
    /// There is something to read, or the peer has closed its side: reading will not block.
    Ready,
    /// The drain began, and nothing has arrived.
    Stopping,
    /// The time is over.
    TimedOut,
}

impl Connection {
    pub(super) fn new(conn: Arc<Conn>) -> Self {
        Self { wire: Wire { conn } }
    }

    /// A worker has it now.
    pub(super) fn begin(&self) {
        self.wire.conn.set_activity(Activity::Busy);
    }

    pub(super) fn set_activity(&self, activity: Activity) {
        self.wire.conn.set_activity(activity);
    }

    /// Closes it, whoever else may still hold its [`Wire`]. What it was doing last decides how it is counted.
    pub(super) fn close(self, last: Activity) {
        self.wire.conn.set_activity(last);
        // The table, and this.
        if Arc::strong_count(&self.wire.conn) > 2 {
            // It fails when the peer has gone already.
            drop(self.wire.conn.stream.shutdown(Shutdown::Both));
        }
    }

    /// The socket, for a session's reads and writes. A clone of it can be used from elsewhere, such as a request's body in a
    /// handler's hands.
    #[must_use]
    pub fn wire(&self) -> &Wire {
        &self.wire
    }

    /// The number of this connection, from 1 in the order of acceptance: what logs and the report call it.
    #[must_use]
    pub fn id(&self) -> u64 {
        self.wire.conn.id
    }

    /// The token that fires when the drain begins and is cancelled shortly before what is left is cut.
    #[must_use]
    pub fn stop(&self) -> &Stop {
        &self.wire.conn.held.core().stop
    }

    /// Whether it was cut, at the drain's deadline: its socket is shut down, which looks as if the peer had gone.
    #[must_use]
    pub fn is_cut(&self) -> bool {
        self.wire.conn.held.core().registry.is_cut()
    }

    /// Who is at the other end.
    #[must_use]
    pub fn peer(&self) -> &PeerAddress {
        &self.wire.conn.peer
    }

    /// The address that the peer connected to.
    ///
    /// # Errors
    /// What the system says, as `TcpStream::local_addr`.
    pub fn local(&self) -> io::Result<LocalAddress> {
        self.wire.conn.stream.local()
    }

    /// Waits until there is something to read, the drain begins, or `timeout` has passed.
    ///
    /// While it waits the connection counts as idle. What has arrived goes before the drain: a request that is there already
    /// is answered. A handler that returns after [`Readable::Stopping`] has closed its connection *idle*, and nothing was
    /// lost.
    ///
    /// A client may be sending its request at the very moment at which the drain begins, most of all one that has just
    /// connected. So a connection that is idle then is given a last chance of 50 ms, and one request that arrives in it is
    /// served; from then on only what has arrived already is. Who needs longer calls again: after `Stopping` the wait ends
    /// early only when the drain's time is nearly over.
    ///
    /// Bytes that a `BufReader` holds are not seen: ask it first, as in the example of [`Connection`].
    ///
    /// # Errors
    /// What the system says when it cannot wait, such as that there is no descriptor left for the first such call.
    ///
    /// # Blocking
    /// Until one of the three happens. No read timeout applies.
    ///
    /// # Platform
    /// On Windows the beginning of the drain is noticed within 50 ms, elsewhere at once.
    pub fn wait_readable(&self, timeout: Option<Duration>) -> io::Result<Readable> {
        let conn = &*self.wire.conn;
        let core = conn.held.core();
        let before = conn.activity();
        conn.set_activity(Activity::Idle);
        let wait = |stage, timeout| wait::readable(core, &conn.stream, stage, timeout);
        let (result, when_ready) = match before {
            Activity::Leaving => (wait(Stage::Cancelling, timeout), Activity::LastRequest),
            Activity::LastRequest => (wait(Stage::Draining, timeout), Activity::LastRequest),
            Activity::Busy | Activity::Cut | Activity::Failed | Activity::Idle | Activity::Queued => {
                match wait(Stage::Draining, timeout) {
                    Ok(Readable::Stopping) => (wait(Stage::Cancelling, Some(LAST_CHANCE)), Activity::LastRequest),
                    other => (other, Activity::Busy),
                }
            }
        };
        // The time that is over may be that of the last chance.
        let result = match result {
            Ok(Readable::TimedOut) if when_ready == Activity::LastRequest && before != Activity::Leaving => {
                Ok(Readable::Stopping)
            }
            other => other,
        };
        conn.set_activity(match result {
            Ok(Readable::Stopping) => Activity::Leaving,
            Ok(Readable::TimedOut) => before,
            Ok(Readable::Ready) | Err(_) => when_ready,
        });
        result
    }

    /// Bounds how long a read may block; `None` for no bound.
    ///
    /// # Errors
    /// `InvalidInput` for a timeout of zero.
    pub fn set_read_timeout(&self, timeout: Option<Duration>) -> io::Result<()> {
        self.wire.conn.stream.set_read_timeout(timeout)
    }

    /// Bounds how long a write may block; `None` for no bound.
    ///
    /// # Errors
    /// `InvalidInput` for a timeout of zero.
    pub fn set_write_timeout(&self, timeout: Option<Duration>) -> io::Result<()> {
        self.wire.conn.stream.set_write_timeout(timeout)
    }

    /// Closes one direction or both for good, as `TcpStream::shutdown`.
    ///
    /// # Errors
    /// What the system says, such as `NotConnected` when the peer has reset the connection.
    pub fn shutdown(&self, how: Shutdown) -> io::Result<()> {
        self.wire.conn.stream.shutdown(how)
    }

    /// The socket, if this is TCP, for APIs that want one and for options that this type does not offer.
    #[must_use]
    pub fn as_tcp(&self) -> Option<&TcpStream> {
        match &self.wire.conn.stream {
            Stream::Tcp(socket) => Some(socket),
            #[cfg(unix)]
            Stream::Unix(_) => None,
        }
    }

    /// The socket, if this is a Unix socket.
    #[cfg(unix)]
    #[must_use]
    pub fn as_unix(&self) -> Option<&UnixStream> {
        match &self.wire.conn.stream {
            Stream::Tcp(_) => None,
            Stream::Unix(socket) => Some(socket),
        }
    }

    /// Takes the socket out of the runtime's care: it no longer holds the drain open, will not be cut, and is counted as
    /// handed over.
    ///
    /// # Errors
    /// `ConnectionAborted` when the connection has been cut, or what the system says when it has no descriptor left; the
    /// connection is closed then.
    pub fn hand_over(self) -> io::Result<Stream> {
        // The table may be looking at the socket this very moment, so what leaves is a second descriptor for it.
        let stream = self.wire.conn.stream.try_clone()?;
        if self.wire.conn.held.core().registry.remove(&self.wire.conn, Outcome::HandedOver) {
            Ok(stream)
        } else {
            Err(io::Error::new(io::ErrorKind::ConnectionAborted, "the connection was cut at the deadline of the drain"))
        }
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        let outcome = match self.wire.conn.activity() {
            // It never had a handler.
            Activity::Queued => Outcome::Refused,
            _ if thread::panicking() => Outcome::Failed,
            Activity::Cut => Outcome::Cut,
            Activity::Failed => Outcome::Failed,
            Activity::Leaving => Outcome::ClosedIdle,
            Activity::Busy | Activity::Idle | Activity::LastRequest => Outcome::Completed,
        };
        self.wire.conn.held.core().registry.remove(&self.wire.conn, outcome);
    }
}

impl Read for Connection {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        (&self.wire.conn.stream).read(buffer)
    }

    fn read_vectored(&mut self, buffers: &mut [IoSliceMut<'_>]) -> io::Result<usize> {
        (&self.wire.conn.stream).read_vectored(buffers)
    }
}

impl Read for &Connection {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        (&self.wire.conn.stream).read(buffer)
    }

    fn read_vectored(&mut self, buffers: &mut [IoSliceMut<'_>]) -> io::Result<usize> {
        (&self.wire.conn.stream).read_vectored(buffers)
    }
}

impl Write for Connection {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        (&self.wire.conn.stream).write(bytes)
    }

    fn write_vectored(&mut self, slices: &[IoSlice<'_>]) -> io::Result<usize> {
        (&self.wire.conn.stream).write_vectored(slices)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Write for &Connection {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        (&self.wire.conn.stream).write(bytes)
    }

    fn write_vectored(&mut self, slices: &[IoSlice<'_>]) -> io::Result<usize> {
        (&self.wire.conn.stream).write_vectored(slices)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(unix)]
impl AsFd for Connection {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.wire.conn.stream.as_fd()
    }
}

#[cfg(windows)]
impl AsSocket for Connection {
    fn as_socket(&self) -> BorrowedSocket<'_> {
        self.wire.conn.stream.as_socket()
    }
}

impl fmt::Debug for Connection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connection")
            .field("id", &self.wire.conn.id)
            .field("peer", &format_args!("{}", self.wire.conn.peer))
            .finish_non_exhaustive()
    }
}
