//! One connection of a client, and the requests that are outstanding on it.

use std::io::{self, Read as _, Write as _};
use std::time::Instant;

use crate::answer::Parser;
use crate::plan::Group;
use crate::target::Stream;
use crate::{Sent, Use};

#[derive(Debug)]
pub(super) struct Connection {
    pub(super) stream: Stream,
    pub(super) parser: Parser,
    /// Requests of the round.
    pub(super) requests: u32,
    /// How many of them are answered.
    pub(super) answered: u32,
    /// How many bytes of the round are sent.
    pub(super) written: usize,
    /// How many of them may be sent by now.
    pub(super) limit: usize,
    /// How many requests of the round were sent whole before the signal.
    pub(super) sent_before: u32,
    /// Answers of earlier rounds.
    pub(super) served: u64,
    /// How many bytes may be read by now.
    pub(super) allowance: usize,
    /// When the round began; before the first, when the connection did.
    pub(super) began: Instant,
    /// When something was last sent or received.
    pub(super) progress: Instant,
    /// Why nothing more can be sent. What has been received before is still to be read.
    pub(super) broken: Option<io::Error>,
}

/// What there is to find on a connection without outstanding requests.
#[derive(Debug)]
pub(super) enum Look {
    Ended,
    Open,
    Reset,
    Unsolicited,
}

impl Connection {
    pub(super) fn new(stream: Stream, now: Instant) -> Self {
        Self {
            stream,
            parser: Parser::default(),
            requests: 0,
            answered: 0,
            written: 0,
            limit: 0,
            sent_before: 0,
            served: 0,
            allowance: usize::MAX,
            began: now,
            progress: now,
            broken: None,
        }
    }

    /// Begins a round. Nothing is sent yet.
    pub(super) fn begin(&mut self, group: &Group, now: Instant) {
        self.requests = group.batch;
        self.answered = 0;
        self.written = 0;
        self.limit = group.at_first;
        self.sent_before = 0;
        self.began = now;
        self.progress = now;
    }

    /// Sends what may be sent and what the kernel takes.
    #[inline]
    pub(super) fn send(&mut self, bytes: &[u8]) -> io::Result<()> {
        while self.written < self.limit {
            match self.stream.write(&bytes[self.written..self.limit]) {
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                Ok(size) => self.written += size,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(()),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// A careful client looks before it sends on a connection that it has used before.
    #[inline]
    pub(super) fn look(&mut self) -> Look {
        loop {
            return match self.stream.read(&mut [0]) {
                Ok(0) => Look::Ended,
                Ok(_) => Look::Unsolicited,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => Look::Open,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(_) => Look::Reset,
            };
        }
    }

    /// How many requests of the round are sent whole.
    #[inline]
    pub(super) fn sent_whole(&self, group: &Group) -> u32 {
        match group.batch {
            1 => u32::from(self.written == group.one),
            _ => (self.written / group.one) as u32,
        }
    }

    /// How many requests of the round are sent, or partly so.
    pub(super) fn sent_partly(&self, group: &Group) -> u32 {
        self.written.div_ceil(group.one) as u32
    }

    /// When a request of the round was sent.
    #[inline]
    pub(super) fn sent(&self, group: &Group, request: u32, signal: Option<Instant>) -> Sent {
        if request >= self.sent_whole(group) {
            Sent::Unfinished
        } else if signal.is_none() || request < self.sent_before {
            Sent::Before
        } else {
            Sent::After
        }
    }

    pub(super) fn usage(&self) -> Use {
        if self.served == 0 { Use::Fresh } else { Use::Reused }
    }
}
