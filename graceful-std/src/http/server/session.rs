//! One connection's side of HTTP: what it waits for, and what it does when that happens.
//!
//! ```text
//! Reading ──head──> exchange ──answer──> Reading         all on the loop, several requests at a time
//!    │                 │
//!    │                 └─> Queued ──worker──> answer     a handler that blocks, a body that is still to come or to be made
//!    └─> Lingering ──> closed                            we have said that it ends, and let the peer close first
//! ```

use std::io;
use std::net::Shutdown;
use std::sync::Arc;
use std::time::Instant;

use bytes::Bytes;
use graceful_core::Connection;
use graceful_core::protocol::{Buffers, Doing, Ending, Next, Session, Turn, Wake};

use super::clock;
use super::exchange::{Awaited, Job};
use super::patience::Patience;
use super::protocol::{Admission, Shared};
use super::settings::{FRESH, HALF_A_HEAD, LAST_CHANCE, LINGER, LONGEST_LINGER};
use super::transmit::{Sent, Unsent};
#[cfg(feature = "websocket")]
use super::upgrade::Takeover;
use crate::http::parser::HeadParser;
use crate::http::request::Context;

/// Most connections are idle most of the time, so an idle one is small and holds no buffer.
pub(super) struct HttpSession {
    pub(super) shared: Arc<Shared>,
    /// What its requests share; made with the first.
    pub(super) context: Option<Context>,
    pub(super) state: State,
    /// Received and not looked at yet, or looked at and not complete.
    pub(super) kept: Vec<u8>,
    pub(super) parser: HeadParser,
    /// Answers that the socket has no room for. What comes after them waits.
    pub(super) unsent: Option<Box<Unsent>>,
    /// What happens once everything is sent.
    pub(super) after: After,
    pub(super) served: u32,
    /// Answers that are not with the kernel yet.
    pub(super) unreported: u32,
    /// When it was run for the first time.
    opened: Option<Instant>,
    /// When the first byte of a head came whose end has not come.
    pub(super) head_began: Option<Instant>,
    pub(super) admission: Admission,
}

pub(super) enum State {
    /// For the rest of a short body.
    Awaiting(Box<Awaited>),
    /// For the peer to close; takes in and forgets what still comes.
    /// Until `end`, or until nothing has come for a while since `last`.
    Lingering { end: Option<Instant>, last: Instant },
    /// For a worker.
    Queued(Box<Job>),
    /// For the next head, or the rest of it.
    Reading,
    /// For its answer to be sent, and then for another session to take over.
    #[cfg(feature = "websocket")]
    Switching { begin: Box<dyn FnOnce(Takeover) -> Box<dyn Session> + Send>, endpoint: usize },
}

/// What happens to the connection once all answers are sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum After {
    /// It goes on with another protocol.
    #[cfg(feature = "websocket")]
    Become,
    /// It is closed: the client wanted that, and has sent nothing more.
    Close,
    /// It goes on.
    Continue,
    /// We leave, and the peer may have something under way.
    Leave,
}

/// How a look at received bytes came to an end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// What was sent of an answer cannot be completed.
    Break(Ending),
    /// The last answer said that it was the last: see [`After`].
    Leave,
    /// More bytes are needed.
    More,
    /// There is a [`Job`] for a worker.
    Work,
}

/// As much is taken in and forgotten at a stretch of what a peer sends that has been told that we leave.
const FORGOTTEN: usize = 1024 * 1024;

impl Session for HttpSession {
    fn run(&mut self, connection: &Connection, turn: &Turn<'_>, buffers: &mut Buffers) -> Next {
        if self.opened.is_none() {
            self.opened = Some(turn.now());
            if self.admission.is_refused() {
                let step = self.refuse(connection, turn, &mut buffers.output);
                return self.go_on(connection, turn, buffers, step);
            }
        }
        let step = match turn.wake() {
            Wake::Announced | Wake::Called | Wake::Cancelled => return self.ready(connection, turn, buffers, false),
            Wake::Ready { hung_up } => return self.ready(connection, turn, buffers, hung_up),
            // What has arrived goes before the end.
            Wake::Stopping => return self.ready(connection, turn, buffers, true),
            Wake::TimedOut => return self.time_out(connection, turn, buffers),
            Wake::Overloaded => self.turn_down(connection, turn, &mut buffers.output),
            Wake::Work => self.work(connection, turn, buffers),
        };
        self.go_on(connection, turn, buffers, step)
    }

    #[cfg(feature = "websocket")]
    fn successor(&mut self, connection: &Connection) -> Option<Box<dyn Session>> {
        self.take_over(connection)
    }
}

impl HttpSession {
    pub(super) fn new(shared: Arc<Shared>, admission: Admission) -> Self {
        Self {
            shared,
            context: None,
            state: State::Reading,
            kept: Vec::new(),
            parser: HeadParser::default(),
            unsent: None,
            after: After::Continue,
            served: 0,
            unreported: 0,
            opened: None,
            head_began: None,
            admission,
        }
    }

    /// Something may have come, or there may be room.
    fn ready(&mut self, connection: &Connection, turn: &Turn<'_>, buffers: &mut Buffers, hung_up: bool) -> Next {
        if let Some(unsent) = &mut self.unsent {
            match unsent.send_now(connection.wire()) {
                Ok(Sent::All) => self.sent(turn),
                Ok(Sent::Part) => return self.wait_for_room(),
                Err(error) => return broken(connection, turn, &error),
            }
            if self.after != After::Continue {
                return self.leave(connection, turn, buffers);
            }
        }
        match self.state {
            State::Lingering { .. } => self.linger(connection, turn, buffers),
            State::Queued(_) => Next::Work,
            _ => self.read(connection, turn, buffers, hung_up),
        }
    }

    /// Reads and answers what is there.
    fn read(&mut self, connection: &Connection, turn: &Turn<'_>, buffers: &mut Buffers, hung_up: bool) -> Next {
        let Buffers { input, output } = buffers;
        let stopping = connection.stop().is_requested();
        let mut filled = take_front(&mut self.kept, input);
        loop {
            let room = input.len() - filled;
            let (more, end) = match connection.wire().read(&mut input[filled..]) {
                Ok(0) => (false, room > 0),
                Ok(length) => {
                    filled += length;
                    // A short read has emptied the socket, but for its end, which tells of itself.
                    (length == room || hung_up || stopping, false)
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => (false, false),
                Err(error) => return broken(connection, turn, &error),
            };
            // The last answer of a connection that stops says so: all requests that are there have to be known by then.
            if more && stopping && filled < input.len() {
                continue;
            }
            let (used, step) = self.serve(connection, turn, &input[..filled], output);
            match step {
                Step::More if end => {
                    // The peer sends no more. It still gets what it has asked for.
                    self.after = After::Close;
                    return self.go_on(connection, turn, buffers, Step::Leave);
                }
                Step::More if more && self.unsent.is_none() => {
                    input.copy_within(used..filled, 0);
                    filled -= used;
                }
                step => {
                    self.keep(&input[used..filled], turn);
                    return self.go_on(connection, turn, buffers, step);
                }
            }
        }
    }

    /// Sends what there is to send, and says what comes next.
    fn go_on(&mut self, connection: &Connection, turn: &Turn<'_>, buffers: &mut Buffers, step: Step) -> Next {
        match self.send(connection, turn, &mut buffers.output) {
            Ok(Sent::All) => {}
            // A worker sends the rest itself.
            Ok(Sent::Part) if step == Step::Work => {}
            Ok(Sent::Part) => return self.wait_for_room(),
            Err(error) => return broken(connection, turn, &error),
        }
        match step {
            Step::Break(ending) => Next::Close(ending),
            Step::Leave => self.leave(connection, turn, buffers),
            Step::More => self.rest(connection, turn),
            Step::Work => Next::Work,
        }
    }

    /// Hands the answers to the kernel, as far as there is room.
    pub(super) fn send(&mut self, connection: &Connection, turn: &Turn<'_>, output: &mut Vec<u8>) -> io::Result<Sent> {
        let mut length = 0;
        if self.unsent.is_none() {
            if output.is_empty() {
                return Ok(Sent::All);
            }
            length = match connection.wire().write(output) {
                Ok(length) => length,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => 0,
                Err(error) => return Err(error),
            };
            if length == output.len() {
                output.clear();
                self.sent(turn);
                return Ok(Sent::All);
            }
        }
        let rest = Bytes::copy_from_slice(&output[length..]);
        output.clear();
        let sent = self.unsent().push_and_send(rest, connection.wire())?;
        if sent == Sent::All {
            self.sent(turn);
        }
        Ok(sent)
    }

    pub(super) fn unsent(&mut self) -> &mut Unsent {
        let patience = Patience::new(self.shared.settings.write_timeout, clock::now());
        self.unsent.get_or_insert_with(|| Box::new(Unsent::new(patience)))
    }

    /// Everything is with the kernel.
    pub(super) fn sent(&mut self, turn: &Turn<'_>) {
        self.unsent = None;
        if self.unreported > 0 {
            turn.answered(std::mem::take(&mut self.unreported).into());
        }
    }

    /// Keeps what has arrived for the next run.
    pub(super) fn keep(&mut self, rest: &[u8], turn: &Turn<'_>) {
        if rest.is_empty() {
            return;
        }
        if matches!(self.state, State::Reading) {
            self.head_began.get_or_insert(turn.now());
        }
        self.kept.splice(0..0, rest.iter().copied());
    }

    /// Nothing is left to be done until something comes.
    fn rest(&self, connection: &Connection, turn: &Turn<'_>) -> Next {
        let settings = &self.shared.settings;
        let now = turn.now();
        let opened = self.opened.unwrap_or(now);
        let (doing, until, while_stopping) = match (&self.state, self.head_began) {
            (State::Awaiting(awaited), _) => {
                let patience = &awaited.patience;
                (Doing::Busy, patience.until(), patience.until_while_stopping(now))
            }
            (_, Some(began)) => (Doing::Busy, began.checked_add(settings.head_timeout), now.checked_add(HALF_A_HEAD)),
            _ if self.served == 0 => {
                let fresh = opened.checked_add(FRESH).max(now.checked_add(LAST_CHANCE));
                (Doing::Idle, opened.checked_add(settings.head_timeout), fresh)
            }
            _ => (Doing::Idle, now.checked_add(settings.keep_alive), now.checked_add(LAST_CHANCE)),
        };
        let stopping = connection.stop().is_stopping();
        let until = if stopping { until.into_iter().chain(while_stopping).min() } else { until };
        Next::Read { doing, until }
    }

    fn wait_for_room(&self) -> Next {
        Next::Write { until: self.unsent.as_ref().and_then(|unsent| unsent.until()) }
    }

    fn time_out(&mut self, connection: &Connection, turn: &Turn<'_>, buffers: &mut Buffers) -> Next {
        let stopping = connection.stop().is_stopping();
        if self.unsent.is_some() {
            turn.debug("client does not take its answer", connection.id(), &"write timeout");
            return Next::Close(if stopping { Ending::Cut } else { Ending::Completed });
        }
        match self.state {
            State::Lingering { .. } => self.linger(connection, turn, buffers),
            State::Reading if self.kept.is_empty() => {
                // What has come while the timer fired goes first.
                match self.read(connection, turn, buffers, true) {
                    Next::Read { doing: Doing::Idle, .. } => {
                        Next::Close(if stopping { Ending::Idle } else { Ending::Completed })
                    }
                    next => next,
                }
            }
            _ => {
                let step = self.too_slow(connection, turn, &mut buffers.output);
                self.go_on(connection, turn, buffers, step)
            }
        }
    }

    /// Everything is said, and this connection is at its end, or HTTP's part of it.
    fn leave(&mut self, connection: &Connection, turn: &Turn<'_>, buffers: &mut Buffers) -> Next {
        #[cfg(feature = "websocket")]
        if self.after == After::Become {
            return Next::Become;
        }
        // Were it closed now, what the peer has sent meanwhile would make it a reset, which may destroy our last answer on its
        // way (RFC 9112 section 9.6).
        if self.after == After::Close || connection.wire().shutdown(Shutdown::Write).is_err() {
            return Next::Close(Ending::Completed);
        }
        self.kept = Vec::new();
        self.after = After::Continue;
        let now = turn.read_clock();
        self.state = State::Lingering { end: now.checked_add(LONGEST_LINGER), last: now };
        self.linger(connection, turn, buffers)
    }

    /// Takes in what still comes until the peer closes: one that is in the middle of sending much looks for our answer when it is
    /// through.
    fn linger(&mut self, connection: &Connection, turn: &Turn<'_>, buffers: &mut Buffers) -> Next {
        let State::Lingering { end, last } = &mut self.state else { return Next::Close(Ending::Completed) };
        let now = turn.read_clock();
        if connection.stop().is_stopping() {
            *end = now.checked_add(LINGER).into_iter().chain(*end).min();
        }
        let mut taken = 0;
        loop {
            match connection.wire().read(&mut buffers.input) {
                Ok(length) if length > 0 => {
                    *last = now;
                    taken += length;
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                // The end, or an error.
                Ok(_) | Err(_) => return Next::Close(Ending::Completed),
            }
            if taken >= FORGOTTEN {
                // There is more, and others wait.
                return Next::Read { doing: Doing::Busy, until: Some(now) };
            }
        }
        match last.checked_add(LINGER).into_iter().chain(*end).min() {
            Some(until) if until <= now => Next::Close(Ending::Completed),
            until => Next::Read { doing: Doing::Busy, until },
        }
    }
}

impl Drop for HttpSession {
    fn drop(&mut self) {
        self.shared.leave(&self.admission);
    }
}

/// Moves as much to the front of the buffer as there is room for.
pub(crate) fn take_front(kept: &mut Vec<u8>, input: &mut [u8]) -> usize {
    if kept.is_empty() {
        return 0;
    }
    let length = kept.len().min(input.len());
    input[..length].copy_from_slice(&kept[..length]);
    *kept = kept.split_off(length);
    length
}

fn broken(connection: &Connection, turn: &Turn<'_>, error: &io::Error) -> Next {
    turn.debug("connection broken", connection.id(), error);
    Next::Close(Ending::Completed)
}
