//! What is to be sent: how it is put together, and how it gets to the kernel.

use std::collections::VecDeque;
use std::io::{self, IoSlice, Write};
use std::time::{Duration, Instant};

use bytes::{Buf, Bytes};
use graceful_core::protocol::{Waited, Wanted, Wire};

use super::clock;
use super::patience::Patience;

/// As many pieces go to the kernel in one call.
const PIECES: usize = 32;

/// What did not fit into the socket's buffer.
#[derive(Debug)]
pub(super) struct Unsent {
    pieces: VecDeque<Bytes>,
    patience: Patience,
}

/// How far a write got.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sent {
    All,
    Part,
}

impl Unsent {
    pub(super) fn new(patience: Patience) -> Self {
        Self { pieces: VecDeque::new(), patience }
    }

    /// When the client has had enough time, if it takes nothing any more.
    pub(super) fn until(&self) -> Option<Instant> {
        self.patience.until()
    }

    pub(super) fn push(&mut self, piece: Bytes) {
        if !piece.is_empty() {
            self.pieces.push_back(piece);
        }
    }

    /// Sends what there is room for, with one piece more.
    pub(super) fn push_and_send(&mut self, piece: Bytes, wire: &Wire) -> io::Result<Sent> {
        self.push(piece);
        self.send_now(wire)
    }

    /// Sends what there is room for.
    pub(super) fn send_now(&mut self, wire: &Wire) -> io::Result<Sent> {
        while !self.pieces.is_empty() {
            let mut slices = [IoSlice::new(&[]); PIECES];
            let count = self.pieces.len().min(PIECES);
            for (slice, piece) in slices.iter_mut().zip(&self.pieces) {
                *slice = IoSlice::new(piece);
            }
            match wire.write_vectored(&slices[..count]) {
                Ok(length) => self.advance(length),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(Sent::Part),
                Err(error) => return Err(error),
            }
        }
        Ok(Sent::All)
    }

    /// Sends everything, as long as the peer takes it in time.
    ///
    /// # Blocking
    /// Until then.
    pub(super) fn send(&mut self, wire: &Wire) -> io::Result<()> {
        while self.send_now(wire)? == Sent::Part {
            wait_for_room(wire, &self.patience)?;
        }
        Ok(())
    }

    fn advance(&mut self, mut length: usize) {
        self.patience.note(length, clock::now());
        while let Some(first) = self.pieces.front_mut() {
            if length < first.len() {
                first.advance(length);
                return;
            }
            length -= first.len();
            self.pieces.pop_front();
        }
    }
}

/// Writes everything, as long as the peer takes it in time.
///
/// # Blocking
/// Until then.
pub(super) fn send(wire: &Wire, mut bytes: &[u8], patience: &mut Patience) -> io::Result<()> {
    while !bytes.is_empty() {
        match wire.write(bytes) {
            Ok(length) => {
                patience.note(length, clock::now());
                bytes = &bytes[length..];
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => wait_for_room(wire, patience)?,
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// At the deadline of the drain the socket is shut down, which ends this as well.
fn wait_for_room(wire: &Wire, patience: &Patience) -> io::Result<()> {
    loop {
        match wire.wait(Wanted::Room, patience.until())? {
            Waited::Ready => return Ok(()),
            // A client that reads slowly has until the deadline.
            Waited::Stopping => {}
            Waited::TimedOut => {
                return Err(io::Error::new(io::ErrorKind::TimedOut, "the client does not take the answer"));
            }
        }
    }
}

/// A response's body on its way: collected, framed and sent.
pub(super) struct Chunks<'a> {
    wire: &'a Wire,
    /// What is collected, behind room for the line that says how much it is.
    buffer: &'a mut Vec<u8>,
    framing: Chunking,
    /// For each piece: what is sent now and then may take as long as it likes in between.
    timeout: Duration,
    /// Why nothing more can be sent.
    broken: Option<io::ErrorKind>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Chunking {
    Chunked,
    Plain,
}

/// A chunk is sent when it is this long.
const CHUNK: usize = 16 * 1024;

/// For eight digits and a line break: four gigabytes.
const PREFIX: usize = 10;

impl<'a> Chunks<'a> {
    /// `buffer` holds what is to be sent before the body: the head, which goes with the first chunk.
    pub(super) fn new(wire: &'a Wire, buffer: &'a mut Vec<u8>, framing: Chunking, timeout: Duration) -> Self {
        Self { wire, buffer, framing, timeout, broken: None }
    }

    /// Sends the head now.
    pub(super) fn begin(&mut self) -> io::Result<()> {
        self.send_buffer()?;
        self.open_chunk();
        Ok(())
    }

    /// Sends what is left and the end of the body.
    pub(super) fn finish(&mut self) -> io::Result<()> {
        self.close_chunk();
        if self.framing == Chunking::Chunked {
            self.buffer.extend_from_slice(b"0\r\n\r\n");
        }
        self.send_buffer()
    }

    fn open_chunk(&mut self) {
        if self.framing == Chunking::Chunked {
            self.buffer.extend_from_slice(&[0; PREFIX]);
        }
    }

    /// Fills in how long the chunk is; an empty one is taken out, since it would be the end.
    fn close_chunk(&mut self) {
        if self.framing == Chunking::Plain {
            return;
        }
        let length = self.collected();
        if length == 0 {
            self.buffer.clear();
            return;
        }
        for (place, digit) in self.buffer[..PREFIX - 2].iter_mut().rev().zip(0..) {
            *place = hex((length >> (4 * digit)) & 15);
        }
        self.buffer[PREFIX - 2..PREFIX].copy_from_slice(b"\r\n");
        self.buffer.extend_from_slice(b"\r\n");
    }

    fn collected(&self) -> usize {
        match self.framing {
            Chunking::Chunked => self.buffer.len() - PREFIX,
            Chunking::Plain => self.buffer.len(),
        }
    }

    fn send_buffer(&mut self) -> io::Result<()> {
        if let Some(kind) = self.broken {
            return Err(kind.into());
        }
        let result = send(self.wire, self.buffer, &mut Patience::new(self.timeout, clock::now()));
        self.buffer.clear();
        if let Err(error) = &result {
            self.broken = Some(error.kind());
        }
        result
    }
}

impl Write for Chunks<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let length = bytes.len().min(CHUNK - self.collected().min(CHUNK - 1));
        self.buffer.extend_from_slice(&bytes[..length]);
        if self.collected() >= CHUNK {
            self.flush()?;
        }
        Ok(length)
    }

    fn flush(&mut self) -> io::Result<()> {
        if self.collected() == 0 && self.broken.is_none() {
            return Ok(());
        }
        self.close_chunk();
        self.send_buffer()?;
        self.open_chunk();
        Ok(())
    }
}

fn hex(digit: usize) -> u8 {
    b"0123456789abcdef"[digit]
}
