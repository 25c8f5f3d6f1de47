//! The listening socket.

use std::io;
use std::net::{SocketAddr, TcpListener};
use std::os::fd::OwnedFd;
use std::time::{Duration, Instant};

use rustix::net::{SocketFlags, accept_with, listen, sockopt};

/// As many as the system lets wait.
const BACKLOG: i32 = 4096;

/// Handshakes on their way when the listener was told to stop have come by then.
const STRAGGLERS: Duration = Duration::from_millis(2);

/// Accepts without waiting.
#[derive(Debug)]
pub struct Listener {
    /// The socket, to wait for.
    pub socket: TcpListener,
}

impl Listener {
    /// Listens where the peer is told to.
    ///
    /// # Errors
    /// The address cannot be had.
    pub fn open() -> io::Result<Self> {
        let socket = TcpListener::bind(peer::address())?;
        socket.set_nonblocking(true)?;
        // Those that are accepted inherit it.
        sockopt::set_tcp_nodelay(&socket, true)?;
        listen(&socket, BACKLOG)?;
        Ok(Self { socket })
    }

    /// Where it listens.
    ///
    /// # Errors
    /// The system does not know.
    pub fn address(&self) -> io::Result<SocketAddr> {
        self.socket.local_addr()
    }

    /// The next connection, if one waits.
    ///
    /// # Errors
    /// Those of the system, out of descriptors for instance.
    pub fn accept(&self) -> io::Result<Option<OwnedFd>> {
        match accept_with(&self.socket, SocketFlags::CLOEXEC | SocketFlags::NONBLOCK) {
            Ok(connection) => Ok(Some(connection)),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// Accepts whoever waits, and closes. A handshake that ends in the moment between is lost: without a filter in the kernel,
    /// which takes unsafe code, a queue of one is the best there is.
    ///
    /// # Errors
    /// Those of the system.
    pub fn close(self) -> io::Result<Vec<OwnedFd>> {
        listen(&self.socket, 0)?;
        let until = Instant::now() + STRAGGLERS;
        let mut connections = Vec::new();
        loop {
            match self.accept()? {
                Some(connection) => connections.push(connection),
                None if Instant::now() > until => return Ok(connections),
                None => std::thread::yield_now(),
            }
        }
    }
}
