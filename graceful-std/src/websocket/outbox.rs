//! What waits to be sent to one peer. Whoever adds something sends it, as far as the socket takes it.

use std::collections::VecDeque;
use std::io::{self, IoSlice};
use std::time::Instant;

use bytes::Bytes;
use graceful_core::protocol::Wire;

use super::close::{CloseCode, Closed};
use super::frame;

/// As many pieces go into one write.
const PIECES: usize = 16;

/// Between two messages it holds no memory.
pub(super) struct Outbox {
    /// `None` once the connection has ended: whoever keeps a [`Socket`](super::Socket) does not keep its descriptor.
    wire: Option<Wire>,
    pieces: VecDeque<Bytes>,
    /// Of the first piece, or of `tail` if there is none.
    sent: usize,
    /// What has been added since the last piece: small frames are put together.
    tail: Vec<u8>,
    /// All of it.
    waiting: usize,
    /// When the socket last took something, while it takes nothing more.
    stalled: Option<Instant>,
    /// How long senders wait for room, once the service stops.
    pub(super) patience: Option<Instant>,
    /// How many messages have been added.
    messages: u64,
    pub(super) speech: Speech,
    /// How a [`Socket`](super::Socket) has closed the connection, until the session has seen it.
    pub(super) closed: Option<Box<Closed>>,
    pub(super) delivery: Delivery,
    /// The session has been called and has not come yet.
    pub(super) called: Called,
}

/// Whether anything may be added.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Speech {
    Open,
    /// Our Close is in it; nothing comes after that.
    Closing,
    /// Nothing can be sent any more.
    Over,
}

/// When what is added is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Delivery {
    /// When more has been added, or when the session says so.
    Gathered,
    Prompt,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Called {
    No,
    Yes,
}

/// How far sending has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sent {
    All,
    /// The socket takes no more for now.
    Part,
}

impl Outbox {
    pub(super) fn new(wire: Wire) -> Self {
        Self {
            wire: Some(wire),
            pieces: VecDeque::new(),
            sent: 0,
            tail: Vec::new(),
            waiting: 0,
            stalled: None,
            patience: None,
            messages: 0,
            speech: Speech::Open,
            closed: None,
            delivery: Delivery::Prompt,
            called: Called::No,
        }
    }

    /// How many bytes wait.
    pub(super) fn waiting(&self) -> usize {
        self.waiting
    }

    /// Since when the socket has taken nothing, if something waits.
    pub(super) fn stalled(&self) -> Option<Instant> {
        self.stalled
    }

    /// How many messages have been added so far.
    pub(super) fn messages(&self) -> u64 {
        self.messages
    }

    /// Counts one.
    pub(super) fn count(&mut self) {
        self.messages += 1;
    }

    pub(super) fn wire(&self) -> Option<&Wire> {
        self.wire.as_ref()
    }

    /// Adds bytes that are written to `out`.
    pub(super) fn write(&mut self, write: impl FnOnce(&mut Vec<u8>)) {
        let before = self.tail.len();
        write(&mut self.tail);
        self.waiting += self.tail.len() - before;
    }

    /// Adds a Close behind everything else, after which nothing is added. Tells whether it is the first.
    pub(super) fn say_goodbye(&mut self, code: CloseCode, reason: &str) -> bool {
        let first = self.speech == Speech::Open;
        if first {
            self.write(|out| frame::close(out, code, reason));
            self.speech = Speech::Closing;
        }
        first
    }

    /// Adds bytes that others may send as well.
    pub(super) fn push(&mut self, bytes: Bytes) {
        if !self.tail.is_empty() {
            self.pieces.push_back(std::mem::take(&mut self.tail).into());
        }
        self.waiting += bytes.len();
        self.pieces.push_back(bytes);
    }

    /// Hands bytes to the socket without a copy of them, if nothing else waits and nothing is gathered. Tells how many it took.
    pub(super) fn write_through(&self, bytes: &[u8]) -> usize {
        match &self.wire {
            // An error comes again when the rest is sent.
            Some(wire) if self.waiting == 0 && self.delivery == Delivery::Prompt => wire.write(bytes).unwrap_or(0),
            _ => 0,
        }
    }

    /// Sends what the socket takes.
    pub(super) fn send(&mut self, now: impl FnOnce() -> Instant) -> io::Result<Sent> {
        let before = self.waiting;
        let result = self.send_pieces();
        match result {
            Ok(Sent::All) => self.stalled = None,
            Ok(Sent::Part) if self.stalled.is_none() || self.waiting < before => self.stalled = Some(now()),
            Ok(Sent::Part) | Err(_) => {}
        }
        result
    }

    fn send_pieces(&mut self) -> io::Result<Sent> {
        while self.waiting > 0 {
            let Some(wire) = &self.wire else { return Ok(Sent::All) };
            let written = if self.pieces.is_empty() {
                wire.write(&self.tail[self.sent..])
            } else {
                let mut slices = [IoSlice::new(&[]); PIECES];
                let all = self.pieces.iter().map(|piece| &piece[..]).chain([&self.tail[..]]);
                let mut count = 0;
                for (slice, piece) in slices.iter_mut().zip(all) {
                    *slice = IoSlice::new(if count == 0 { &piece[self.sent..] } else { piece });
                    count += 1;
                }
                wire.write_vectored(&slices[..count])
            };
            match written {
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                Ok(length) => self.advance(length),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(Sent::Part),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(Sent::All)
    }

    /// So much is with the kernel.
    fn advance(&mut self, length: usize) {
        self.waiting -= length;
        self.sent += length;
        while let Some(first) = self.pieces.front() {
            if self.sent < first.len() {
                return;
            }
            self.sent -= first.len();
            self.pieces.pop_front();
        }
        if self.waiting == 0 {
            self.sent = 0;
            self.tail = Vec::new();
            self.pieces = VecDeque::new();
        }
    }

    /// Nothing is sent any more, and nothing is held.
    pub(super) fn end(&mut self) -> Option<Wire> {
        self.speech = Speech::Over;
        self.pieces = VecDeque::new();
        self.tail = Vec::new();
        (self.sent, self.waiting, self.stalled) = (0, 0, None);
        self.wire.take()
    }
}
