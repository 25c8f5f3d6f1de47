//! One connection: read once, answer what is complete with one write.

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::event::{PollFd, PollFlags, poll};
use rustix::net::{Shutdown, shutdown};

use crate::wire::Wire;

/// Room for one read. Nothing else is held for a connection unless half a request has come.
pub const ROOM: usize = 64 * 1024;

/// A client, and the beginning of a request.
#[derive(Debug)]
pub struct Connection {
    socket: OwnedFd,
    begun: Vec<u8>,
    /// All is said; what is left is to wait until the client has read it.
    closing: bool,
}

/// What is to become of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    /// More may come.
    Wait,
    /// It is over.
    Drop,
}

impl Connection {
    /// One that was accepted.
    #[must_use]
    pub fn new(socket: OwnedFd) -> Self {
        Self { socket, begun: Vec::new(), closing: false }
    }

    /// Reads what has come and answers it; the last answer says so when the server is `stopping`.
    ///
    /// # Errors
    /// The client is gone.
    pub fn serve(&mut self, room: &mut [u8], wire: &Wire, stopping: bool) -> io::Result<Next> {
        let begun = self.begun.len();
        room[..begun].copy_from_slice(&self.begun);
        let length = match rustix::io::read(&self.socket, &mut room[begun..]) {
            Ok(0) => return Ok(Next::Drop),
            Ok(length) => begun + length,
            Err(rustix::io::Errno::AGAIN | rustix::io::Errno::INTR) => return Ok(Next::Wait),
            Err(error) => return Err(error.into()),
        };
        if self.closing {
            return Ok(Next::Wait);
        }
        let mut requests = wire.requests(&room[..length]);
        requests.last |= stopping && requests.length == length;
        if let Some(time) = crate::wire::work(&room[..requests.length]) {
            std::thread::sleep(time);
        }
        wire.answer(requests, |answer| self.write(answer))?;
        if requests.last && requests.count > 0 {
            // What arrives unread would destroy the answer, so the client is to close first.
            shutdown(&self.socket, Shutdown::Write)?;
            self.closing = true;
            self.begun = Vec::new();
        } else if requests.length < length {
            self.begun = room[requests.length..length].to_vec();
            if self.begun.len() == room.len() {
                return Err(io::ErrorKind::InvalidData.into());
            }
        } else if begun > 0 {
            self.begun = Vec::new();
        }
        Ok(Next::Wait)
    }

    /// Says goodbye to one that has nothing to ask.
    pub fn close(&mut self) {
        if !self.closing {
            // It fails when the client is gone.
            let _ = shutdown(&self.socket, Shutdown::Write);
            self.closing = true;
        }
    }

    /// Waits where the client does not read: nobody measures that here.
    fn write(&self, mut bytes: &[u8]) -> io::Result<()> {
        while !bytes.is_empty() {
            match rustix::io::write(&self.socket, bytes) {
                Ok(length) => bytes = &bytes[length..],
                Err(rustix::io::Errno::AGAIN) => {
                    poll(&mut [PollFd::new(&self.socket, PollFlags::OUT)], None)?;
                }
                Err(error) => return Err(error.into()),
            }
        }
        Ok(())
    }
}

impl AsFd for Connection {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}
