//! A client for what wrk does not do: many idle connections, one crowd at once, one connection to the nanosecond.

use std::io::{ErrorKind, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use graceful_benches::Result;

/// An answer that takes longer does not come.
pub(crate) const PATIENCE: Duration = Duration::from_secs(10);

/// A connection that is kept.
#[derive(Debug)]
pub(crate) struct Client {
    stream: TcpStream,
    request: Vec<u8>,
    room: [u8; 1024],
    waiting: Waiting,
}

/// How a client waits for an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Waiting {
    /// As clients do; the kernel has to wake it.
    Asleep,
    /// On a core of its own, so that waking it is no part of the time.
    Spinning,
}

impl Client {
    pub(crate) fn connect(address: SocketAddr, path: &str) -> Result<Self> {
        let stream = TcpStream::connect(address)?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        let request = format!("GET {path} HTTP/1.1\r\nHost: {address}\r\n\r\n").into_bytes();
        Ok(Self { stream, request, room: [0; 1024], waiting: Waiting::Asleep })
    }

    /// From now on it waits as it is told to.
    pub(crate) fn wait(&mut self, waiting: Waiting) -> Result<()> {
        self.waiting = waiting;
        Ok(self.stream.set_nonblocking(waiting == Waiting::Spinning)?)
    }

    pub(crate) fn get(&mut self) -> Result<()> {
        self.send()?;
        self.receive()
    }

    pub(crate) fn send(&mut self) -> Result<()> {
        Ok(self.stream.write_all(&self.request)?)
    }

    /// Until the answer is complete, and it must be a 200.
    pub(crate) fn receive(&mut self) -> Result<()> {
        let mut length = 0;
        loop {
            let more = match self.stream.read(&mut self.room[length..]) {
                Ok(more) => more,
                Err(error) if error.kind() == ErrorKind::WouldBlock && self.waiting == Waiting::Spinning => continue,
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Err("the answer does not come".into()),
                Err(error) => return Err(error.into()),
            };
            length += more;
            let answer = &self.room[..length];
            if more == 0 {
                return Err("the server closed the connection".into());
            }
            if !answer.starts_with(b"HTTP/1.1 200") && length > 12 {
                return Err("the server refused".into());
            }
            if complete(answer) {
                return Ok(());
            }
        }
    }
}

/// Whether the server closes a connection whose client asks for that.
pub(crate) fn is_closed_on_request(address: SocketAddr) -> Result<bool> {
    let mut stream = TcpStream::connect(address)?;
    stream.set_read_timeout(Some(Duration::from_secs(1)))?;
    write!(stream, "GET / HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n")?;
    match stream.read_to_end(&mut Vec::new()) {
        Ok(_) => Ok(true),
        Err(error) if error.kind() == ErrorKind::WouldBlock => Ok(false),
        Err(error) => Err(error.into()),
    }
}

/// Whether an answer has its end, told by its length or in chunks.
fn complete(answer: &[u8]) -> bool {
    let text = String::from_utf8_lossy(answer);
    let Some((head, body)) = text.split_once("\r\n\r\n") else { return false };
    let length = head.lines().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("content-length").then(|| value.trim().parse().ok())?
    });
    length.map_or_else(|| body.ends_with("0\r\n\r\n"), |length: usize| body.len() >= length)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_have_an_end() {
        let check = |answer: &str, wanted| assert_eq!(complete(answer.as_bytes()), wanted, "{answer:?}");
        check("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n", false);
        check("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\na", false);
        check("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nab", true);
        check("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nab\r\n", false);
        check("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nab\r\n0\r\n\r\n", true);
    }
}
