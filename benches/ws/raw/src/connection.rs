//! One connection: read once, answer what is complete with one write.

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use rustix::event::{PollFd, PollFlags, poll};
use rustix::io::Errno;
use sha1::{Digest as _, Sha1};

use crate::frame::{self, GOING_AWAY, Kind};

/// Room for one read, and the most that a message may have.
pub const ROOM: usize = 64 * 1024;

/// A client, and the beginning of what it sends.
#[derive(Debug)]
pub struct Connection {
    socket: OwnedFd,
    begun: Vec<u8>,
    state: State,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// Its request is not there yet.
    Asking,
    /// The Close is written; what is left is the client's.
    Closing,
    Echo,
    Room,
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
    pub fn new(socket: OwnedFd) -> Self {
        Self { socket, begun: Vec::new(), state: State::Asking }
    }

    pub fn state(&self) -> State {
        self.state
    }

    /// Reads what has come. Answers that are for this client alone are written, messages for the whole room are left in `out`.
    pub fn serve(&mut self, room: &mut [u8], out: &mut Vec<u8>) -> io::Result<Next> {
        out.clear();
        let begun = self.begun.len();
        room[..begun].copy_from_slice(&self.begun);
        let length = match rustix::io::read(&self.socket, &mut room[begun..]) {
            Ok(0) => return Ok(Next::Drop),
            Ok(length) => begun + length,
            Err(Errno::AGAIN | Errno::INTR) => return Ok(Next::Wait),
            Err(error) => return Err(error.into()),
        };
        let mut taken = 0;
        if self.state == State::Asking {
            taken = self.greet(&room[..length])?;
        }
        let mut next = Next::Wait;
        while self.state != State::Asking && next == Next::Wait {
            let begin = out.len();
            let frame = frame::turn(&room[taken..length], ROOM, out).map_err(|_| io::ErrorKind::InvalidData)?;
            let Some((kind, whole)) = frame else { break };
            taken += whole;
            match kind {
                // Its own Close, or the answer to ours, after which it waits for us to end the connection.
                Kind::Close => next = Next::Drop,
                Kind::Data | Kind::Ping if self.state != State::Closing => {}
                _ => out.truncate(begin),
            }
            if kind == Kind::Close && self.state == State::Closing {
                out.truncate(begin);
            }
        }
        if self.state != State::Room || next == Next::Drop {
            self.write(out)?;
            out.clear();
        }
        if taken < length {
            self.begun = room[taken..length].to_vec();
        } else if begun > 0 {
            self.begun = Vec::new();
        }
        Ok(next)
    }

    /// The Close; nothing comes after it.
    pub fn close(&mut self) -> io::Result<Next> {
        match self.state {
            State::Asking => return Ok(Next::Drop),
            State::Closing => {}
            State::Echo | State::Room => {
                self.write(GOING_AWAY)?;
                self.state = State::Closing;
            }
        }
        Ok(Next::Wait)
    }

    /// Waits where the client does not read: nobody measures that here.
    pub fn write(&self, mut bytes: &[u8]) -> io::Result<()> {
        while !bytes.is_empty() {
            match rustix::io::write(&self.socket, bytes) {
                Ok(length) => bytes = &bytes[length..],
                Err(Errno::AGAIN) => {
                    poll(&mut [PollFd::new(&self.socket, PollFlags::OUT)], None)?;
                }
                Err(error) => return Err(error.into()),
            }
        }
        Ok(())
    }

    /// Answers the request, if it is complete, and tells how long it was.
    fn greet(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let Some(end) = bytes.windows(4).position(|end| end == b"\r\n\r\n") else { return Ok(0) };
        let head = str::from_utf8(&bytes[..end]).map_err(|_| io::ErrorKind::InvalidData)?;
        let key = head.lines().find_map(|line| {
            let (name, value) = line.split_once(':')?;
            name.eq_ignore_ascii_case("sec-websocket-key").then(|| value.trim())
        });
        self.state = if head.starts_with("GET /room ") { State::Room } else { State::Echo };
        let accept = accept(key.ok_or(io::ErrorKind::InvalidData)?);
        self.write(
            format!(
                "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
                 Sec-WebSocket-Accept: {accept}\r\n\r\n"
            )
            .as_bytes(),
        )?;
        Ok(end + 4)
    }
}

impl AsFd for Connection {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}

fn accept(key: &str) -> String {
    let hash = Sha1::new().chain_update(key).chain_update("258EAFA5-E914-47DA-95CA-C5AB0DC85B11").finalize();
    BASE64_STANDARD.encode(hash)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_key_is_answered() {
        assert_eq!(accept("dGhlIHNhbXBsZSBub25jZQ=="), "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
    }
}
