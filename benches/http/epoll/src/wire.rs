//! Requests in a buffer, and the bytes that answer them.

use std::time::Duration;

use memchr::memmem::{Finder, find};

const ANSWER: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 13\r\n\r\nHello, World!";

const LAST_ANSWER: &[u8] =
    b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 13\r\nConnection: close\r\n\r\nHello, World!";

/// Answers that are ready to be written at once.
const BATCH: usize = 64;

/// The complete requests at the beginning of a buffer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Requests {
    /// How many there are.
    pub count: usize,
    /// Their bytes.
    pub length: usize,
    /// The client wants the connection closed after them.
    pub last: bool,
}

/// Finds requests, and has their answers.
#[derive(Debug)]
pub struct Wire {
    end: Finder<'static>,
    close: Finder<'static>,
    answers: Vec<u8>,
}

impl Wire {
    /// Ready for all connections.
    #[must_use]
    pub fn new() -> Self {
        Self { end: Finder::new("\r\n\r\n"), close: Finder::new("Connection: close"), answers: ANSWER.repeat(BATCH) }
    }

    /// What is complete of `bytes`.
    #[must_use]
    pub fn requests(&self, bytes: &[u8]) -> Requests {
        let mut found = Requests::default();
        while let Some(end) = self.end.find(&bytes[found.length..]) {
            found.count += 1;
            found.length += end + 4;
        }
        found.last = self.close.find(&bytes[..found.length]).is_some();
        found
    }

    /// Has each piece of the answers to so many requests written; the last one says so if it is.
    ///
    /// # Errors
    /// Those of `write`.
    pub fn answer<E>(&self, requests: Requests, mut write: impl FnMut(&[u8]) -> Result<(), E>) -> Result<(), E> {
        let mut left = requests.count;
        if requests.last && left == 1 {
            return write(LAST_ANSWER);
        }
        left -= usize::from(requests.last);
        while left > 0 {
            let some = left.min(BATCH);
            write(&self.answers[..some * ANSWER.len()])?;
            left -= some;
        }
        if requests.last { write(LAST_ANSWER) } else { Ok(()) }
    }
}

impl Default for Wire {
    fn default() -> Self {
        Self::new()
    }
}

/// How long the first of some requests is to take.
#[must_use]
pub fn work(requests: &[u8]) -> Option<Duration> {
    let query = requests.strip_prefix(b"GET /work?")?;
    let query = &query[..find(query, b" ")?];
    Some(peer::work(str::from_utf8(query).ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn complete_requests_are_found() {
        let wire = Wire::new();
        let check = |bytes: &[u8], count, length, last| {
            assert_eq!(wire.requests(bytes), Requests { count, length, last });
        };
        check(b"", 0, 0, false);
        check(b"GET / HTTP/1.1\r\nHost: a\r\n", 0, 0, false);
        check(b"GET / HTTP/1.1\r\n\r\nGET / HTTP/1.1\r\n\r\nGET", 2, 36, false);
        check(b"GET / HTTP/1.1\r\nConnection: close\r\n\r\n", 1, 37, true);
        assert_eq!(work(b"GET /work?ms=7 HTTP/1.1\r\n\r\n"), Some(Duration::from_millis(7)));
        assert_eq!(work(b"GET / HTTP/1.1\r\n\r\n"), None);
    }
}
