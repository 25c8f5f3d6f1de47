//! A request's body that arrives while the handler reads it.

use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use graceful_core::Stop;
use graceful_core::protocol::{Waited, Wanted, Wire};

use super::clock;
use super::encode;
use super::patience::Patience;
use super::transmit;
use crate::http::body::Incoming;
use crate::http::body_error::BodyError;
use crate::http::parser::{BodyDecoder, Framing};

/// How much is read from the socket at a time.
const PIECE: usize = 16 * 1024;

/// The rest of a body that the handler did not want is taken in up to this, to keep the connection.
const UNWANTED: usize = 64 * 1024;

/// What the handler and the session share of a body. The handler may keep it, or give it to another thread.
pub(super) struct Upload {
    state: Mutex<State>,
}

/// The handler's side of it.
pub(super) struct Received(Arc<Upload>);

struct State {
    wire: Wire,
    stop: Stop,
    decoder: BodyDecoder,
    /// Of a body whose length is known: what is left of it.
    announced: Option<u64>,
    /// Received and not decoded yet, from `at` on.
    bytes: Vec<u8>,
    at: usize,
    /// The client waits to be invited.
    invitation: Invitation,
    patience: Patience,
    /// When the drain was noticed.
    stopping: Option<Instant>,
    ended: Ended,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Invitation {
    Due,
    NotNeeded,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Ended {
    No,
    /// It failed, or the session has closed it.
    Yes,
}

/// What the session finds when the handler is done.
pub(super) enum Remainder {
    /// The body has been received to its end; what follows it has arrived already.
    Next(Vec<u8>),
    /// It has not, or somebody is still reading it: the connection cannot go on.
    Lost,
}

impl Upload {
    /// `bytes` is what has arrived behind the head.
    pub(super) fn new(
        wire: Wire,
        stop: Stop,
        framing: Framing,
        bytes: Vec<u8>,
        invitation: Invitation,
        patience: Patience,
    ) -> Arc<Self> {
        let announced = if let Framing::Length(length) = framing { Some(length) } else { None };
        let decoder = BodyDecoder::new(framing);
        let (stopping, ended) = (None, Ended::No);
        let state = State { wire, stop, decoder, announced, bytes, at: 0, invitation, patience, stopping, ended };
        Arc::new(Self { state: Mutex::new(state) })
    }

    pub(super) fn body(self: &Arc<Self>) -> Received {
        Received(Arc::clone(self))
    }

    /// Whether the handler, or who it gave the body to, has it still.
    pub(super) fn is_shared(self: &Arc<Self>) -> bool {
        Arc::strong_count(self) > 1
    }

    /// Takes the connection back from the body. Takes in what little may be left of it, if that has arrived already.
    pub(super) fn reclaim(self: &Arc<Self>) -> Remainder {
        let shared = self.is_shared();
        let mut state = self.state();
        if state.ended == Ended::Yes || (shared && !state.decoder.is_done()) {
            state.ended = Ended::Yes;
            return Remainder::Lost;
        }
        state.ended = Ended::Yes;
        let mut unwanted = 0;
        while !state.decoder.is_done() && unwanted < UNWANTED {
            match state.decode(usize::MAX) {
                Ok(piece) if piece.is_empty() => match state.receive_now() {
                    Ok(0) | Err(_) => return Remainder::Lost,
                    Ok(_) => {}
                },
                Ok(piece) => unwanted += piece.len(),
                Err(_) => return Remainder::Lost,
            }
        }
        let State { decoder, bytes, at, .. } = &mut *state;
        if decoder.is_done() { Remainder::Next(bytes.split_off(*at)) } else { Remainder::Lost }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// The next piece of data among the bytes that are there, of `most` bytes; empty when more have to be received.
    fn decode(&mut self, most: usize) -> Result<std::ops::Range<usize>, BodyError> {
        loop {
            let end = self.bytes.len().min(self.at.saturating_add(most));
            let decoded = self.decoder.decode(&self.bytes[self.at..end]);
            let decoded = decoded.map_err(|reject| {
                self.ended = Ended::Yes;
                BodyError::Malformed(reject.reason())
            })?;
            let start = self.at;
            self.at += decoded.used;
            if !decoded.data.is_empty() {
                let length = decoded.data.len() as u64;
                self.announced = self.announced.map(|announced| announced.saturating_sub(length));
                return Ok(start + decoded.data.start..start + decoded.data.end);
            }
            // A line between two chunks may be longer than what was asked for.
            if decoded.used == 0 || self.decoder.is_done() {
                if end < self.bytes.len() && !self.decoder.is_done() {
                    continue;
                }
                return Ok(0..0);
            }
        }
    }

    /// Reads what has arrived; 0 at the end of it.
    fn receive_now(&mut self) -> io::Result<usize> {
        if self.at == self.bytes.len() {
            self.bytes.clear();
            self.at = 0;
        }
        let kept = self.bytes.len();
        self.bytes.resize(kept + PIECE, 0);
        let result = self.wire.read(&mut self.bytes[kept..]);
        self.bytes.truncate(kept + *result.as_ref().unwrap_or(&0));
        let length = result?;
        self.patience.note(length, clock::now());
        Ok(length)
    }

    /// Waits until something has arrived.
    fn receive(&mut self) -> Result<(), BodyError> {
        if self.invitation == Invitation::Due {
            self.invitation = Invitation::NotNeeded;
            let mut patience = self.patience;
            transmit::send(&self.wire, encode::CONTINUE, &mut patience).map_err(BodyError::Io)?;
        }
        loop {
            match self.receive_now() {
                Ok(0) => return Err(BodyError::Io(io::ErrorKind::UnexpectedEof.into())),
                Ok(_) => return Ok(()),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(error) => return Err(BodyError::Io(error)),
            }
            // The drain may have begun while the handler was busy with something else.
            if self.stopping.is_none() && self.stop.is_stopping() {
                self.stopping = Some(clock::now());
            }
            let until = match self.stopping {
                Some(noticed) => self.patience.until_while_stopping(noticed),
                None => self.patience.until(),
            };
            match self.wire.wait(Wanted::Bytes, until).map_err(BodyError::Io)? {
                Waited::Ready => {}
                Waited::Stopping => self.stopping = Some(clock::now()),
                Waited::TimedOut => return Err(BodyError::TimedOut),
            }
        }
    }
}

impl Incoming for Received {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let mut state = self.0.state();
        loop {
            if state.decoder.is_done() || buffer.is_empty() {
                return Ok(0);
            }
            if state.ended == Ended::Yes {
                return Err(BodyError::Io(io::ErrorKind::NotConnected.into()).into());
            }
            let piece = state.decode(buffer.len())?;
            if !piece.is_empty() {
                let length = piece.len();
                buffer[..length].copy_from_slice(&state.bytes[piece]);
                return Ok(length);
            }
            if !state.decoder.is_done()
                && let Err(error) = state.receive()
            {
                state.ended = Ended::Yes;
                return Err(error.into());
            }
        }
    }

    fn len_hint(&self) -> Option<u64> {
        self.0.state().announced
    }
}
