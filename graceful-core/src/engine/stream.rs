//! A connected socket of either kind.

use std::io::{self, IoSlice, IoSliceMut, Read, Write};
use std::net::{Shutdown, TcpStream};
#[cfg(unix)]
use std::os::fd::{AsFd, BorrowedFd};
#[cfg(unix)]
use std::os::unix::net::UnixStream;
#[cfg(windows)]
use std::os::windows::io::{AsSocket, BorrowedSocket};
use std::time::Duration;

use super::endpoint::{LocalAddress, PeerAddress};
#[cfg(unix)]
use crate::sys;

/// A connected stream socket, as a foreign accept loop has it and as [`Connection::hand_over`] gives it back.
///
/// [`Connection::hand_over`]: crate::Connection::hand_over
#[derive(Debug)]
#[non_exhaustive]
pub enum Stream {
    /// TCP.
    Tcp(TcpStream),
    /// A Unix socket.
    #[cfg(unix)]
    Unix(UnixStream),
}

/// Calls the same method on whichever socket it is.
macro_rules! either {
    ($stream:expr, $socket:ident => $call:expr) => {
        match $stream {
            Stream::Tcp($socket) => $call,
            #[cfg(unix)]
            Stream::Unix($socket) => $call,
        }
    };
}

impl Stream {
    pub(super) fn peer(&self) -> io::Result<PeerAddress> {
        either!(self, socket => socket.peer_addr().map(PeerAddress::from))
    }

    pub(super) fn local(&self) -> io::Result<LocalAddress> {
        either!(self, socket => socket.local_addr().map(LocalAddress::from))
    }

    pub(super) fn set_read_timeout(&self, timeout: Option<Duration>) -> io::Result<()> {
        either!(self, socket => socket.set_read_timeout(timeout))
    }

    pub(super) fn set_write_timeout(&self, timeout: Option<Duration>) -> io::Result<()> {
        either!(self, socket => socket.set_write_timeout(timeout))
    }

    pub(super) fn shutdown(&self, how: Shutdown) -> io::Result<()> {
        either!(self, socket => socket.shutdown(how))
    }

    /// Blocking or not, as the socket's mode may be: this never blocks.
    #[cfg(unix)]
    pub(super) fn read_now(&self, bytes: &mut [u8]) -> io::Result<usize> {
        sys::read_now(self.as_fd(), bytes)
    }

    #[cfg(unix)]
    pub(super) fn write_now(&self, bytes: &[u8]) -> io::Result<usize> {
        sys::write_now(self.as_fd(), bytes)
    }

    #[cfg(unix)]
    pub(super) fn write_vectored_now(&self, pieces: &[IoSlice<'_>]) -> io::Result<usize> {
        sys::write_vectored_now(self.as_fd(), pieces)
    }

    /// The sockets of sessions do not block here: see `drive`.
    #[cfg(not(unix))]
    pub(super) fn read_now(&self, bytes: &mut [u8]) -> io::Result<usize> {
        (&*self).read(bytes)
    }

    #[cfg(not(unix))]
    pub(super) fn write_now(&self, bytes: &[u8]) -> io::Result<usize> {
        (&*self).write(bytes)
    }

    #[cfg(not(unix))]
    pub(super) fn write_vectored_now(&self, pieces: &[IoSlice<'_>]) -> io::Result<usize> {
        (&*self).write_vectored(pieces)
    }

    pub(super) fn try_clone(&self) -> io::Result<Self> {
        Ok(match self {
            Self::Tcp(socket) => Self::Tcp(socket.try_clone()?),
            #[cfg(unix)]
            Self::Unix(socket) => Self::Unix(socket.try_clone()?),
        })
    }
}

impl Read for &Stream {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        either!(self, socket => (&*socket).read(buffer))
    }

    fn read_vectored(&mut self, buffers: &mut [IoSliceMut<'_>]) -> io::Result<usize> {
        either!(self, socket => (&*socket).read_vectored(buffers))
    }
}

impl Write for &Stream {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        either!(self, socket => (&*socket).write(bytes))
    }

    fn write_vectored(&mut self, slices: &[IoSlice<'_>]) -> io::Result<usize> {
        either!(self, socket => (&*socket).write_vectored(slices))
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(unix)]
impl AsFd for Stream {
    fn as_fd(&self) -> BorrowedFd<'_> {
        either!(self, socket => socket.as_fd())
    }
}

#[cfg(windows)]
impl AsSocket for Stream {
    fn as_socket(&self) -> BorrowedSocket<'_> {
        either!(self, socket => socket.as_socket())
    }
}

impl From<TcpStream> for Stream {
    fn from(socket: TcpStream) -> Self {
        Self::Tcp(socket)
    }
}

#[cfg(unix)]
impl From<UnixStream> for Stream {
    fn from(socket: UnixStream) -> Self {
        Self::Unix(socket)
    }
}
