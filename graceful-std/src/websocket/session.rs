//! One connection's side of the protocol: what it waits for, and what it does when that happens.
//!
//! ```text
//! Open ──our Close──> Closing ──the peer's──────────> Over     a shutdown, or Socket::close
//!   │                    └──its time is up──────────> Over     cut
//!   ├──the peer's Close, answered──> Lingering ─────> Over     when the peer has closed its side
//!   ├──a broken rule, told─────────> Lingering ─────> Over
//!   └──the connection is lost───────────────────────> Over
//! ```

use std::io;
use std::net::Shutdown;
use std::sync::Arc;
use std::time::{Duration, Instant};

use graceful_core::__private::catch_panic;
use graceful_core::Connection;
use graceful_core::protocol::{Buffers, Doing, Ending, Next, Place, Session, Turn, Wake};

use super::close::{CloseCode, Closed};
use super::counters;
use super::frame::{Decoder, Violation};
use super::handler::Handler;
use super::leaving::Leaving;
use super::message::Message;
use super::outbox::{Called, Delivery, Sent};
use super::settings::Settings;
use super::socket::{Link, Socket};
use crate::http::server::{Takeover, take_front};

/// Most connections are silent most of the time, so a silent one is small and holds no buffer.
pub(super) struct WebSocketSession {
    pub(super) takeover: Takeover,
    pub(super) settings: Arc<Settings>,
    handler: Box<dyn Handler>,
    subprotocol: Option<Arc<str>>,
    /// Made with the first run.
    pub(super) socket: Option<Socket>,
    pub(super) state: State,
    /// What the handler is to be called for. Nothing else is looked at before.
    pub(super) call: Option<Call>,
    /// What it has been called for.
    told: Told,
    made: Made,
    /// As the outbox has it, which is behind a lock.
    delivery: Delivery,
    decoder: Decoder,
    /// Received, and not decoded yet.
    kept: Vec<u8>,
    pub(super) unread: Unread,
    pub(super) times: Times,
    pub(super) leaving: Leaving,
}

#[derive(Debug)]
pub(super) enum State {
    Open,
    /// Our Close is sent or on its way; the peer's is waited for.
    Closing {
        until: Option<Instant>,
        closed: Box<Closed>,
    },
    /// Everything is said. The peer is to close first, so that a reset does not destroy our last words.
    Lingering {
        until: Option<Instant>,
        said: Said,
    },
    /// That is how it has ended.
    Over(Ending),
}

/// Whether our last frame is with the kernel and our side is closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Said {
    All,
    NotYet,
}

#[derive(Debug)]
pub(super) enum Call {
    Closed(Box<Closed>),
    Message(Message),
    Opened,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Told {
    Nothing,
    Opened,
    Closed,
}

/// What this run has done so far.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Made {
    Calls,
    Nothing,
}

/// What may lie in the socket without that anybody will tell of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Unread {
    Nothing,
    /// Bytes: a short read has taken all of them.
    Bytes,
    /// Bytes and the end: only the socket itself can say that there is no more.
    All,
}

pub(super) struct Times {
    /// When something last came.
    pub(super) heard: Instant,
    /// When a Ping was sent that nothing has come after.
    pub(super) pinged: Option<Instant>,
    /// When a message last went either way, as far as has been noticed.
    pub(super) talked: Instant,
    /// How many had been sent then.
    pub(super) sent: u64,
    /// Since when the socket has taken nothing, if something waits for it.
    pub(super) stalled: Option<Instant>,
}

/// How a look at received bytes came to an end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Flow {
    Dry,
    /// There is a callback to be made that does not belong on a loop.
    NeedsWorker,
}

/// As much is read at a stretch; then others have their turn.
const STRETCH: usize = 256 * 1024;

/// How long the peer may take to close its side when everything is said.
const LINGER: Duration = Duration::from_secs(1);

/// When no worker can be had, one is asked for again after this.
const RETRY: Duration = Duration::from_millis(20);

impl Session for WebSocketSession {
    fn run(&mut self, connection: &Connection, turn: &Turn<'_>, buffers: &mut Buffers) -> Next {
        let socket = self.socket(connection, turn);
        self.made = Made::Nothing;
        match turn.wake() {
            Wake::Announced => self.announce(turn.now()),
            Wake::Called | Wake::Cancelled => {}
            Wake::Overloaded => return Next::Read { doing: Doing::Busy, until: turn.now().checked_add(RETRY) },
            Wake::Ready { hung_up: false } => self.unread = self.unread.max(Unread::Bytes),
            Wake::Ready { hung_up: true } | Wake::Stopping | Wake::TimedOut | Wake::Work => self.unread = Unread::All,
        }
        if connection.stop().is_stopping() {
            self.prepare_to_leave(turn.now());
        }
        loop {
            if self.receive(connection, turn, &mut buffers.input, &socket) == Flow::NeedsWorker {
                // Answers must not wait for a worker that others keep busy.
                self.set_delivery(&socket.0, Delivery::Prompt);
                socket.0.try_again(turn.now());
                return Next::Work;
            }
            let now = self.now(turn);
            self.look_at_the_clock(&socket.0, connection, now);
            if self.call.is_none()
                && let Some(next) = self.settle(&socket.0, connection, now)
            {
                return next;
            }
        }
    }

    fn wants_announcement(&self) -> bool {
        self.settings.farewell.is_some()
    }
}

impl WebSocketSession {
    pub(super) fn new(
        mut takeover: Takeover,
        settings: Arc<Settings>,
        subprotocol: Option<Arc<str>>,
        handler: Box<dyn Handler>,
        now: Instant,
    ) -> Self {
        let kept = std::mem::take(&mut takeover.received);
        Self {
            takeover,
            settings,
            handler,
            subprotocol,
            socket: None,
            state: State::Open,
            call: Some(Call::Opened),
            told: Told::Nothing,
            made: Made::Nothing,
            delivery: Delivery::Prompt,
            decoder: Decoder::default(),
            kept,
            unread: Unread::All,
            times: Times { heard: now, pinged: None, talked: now, sent: 0, stalled: None },
            leaving: Leaving::No,
        }
    }

    /// The time, read anew when a callback may have taken long.
    fn now(&self, turn: &Turn<'_>) -> Instant {
        if self.made == Made::Calls { turn.read_clock() } else { turn.now() }
    }

    fn socket(&mut self, connection: &Connection, turn: &Turn<'_>) -> Socket {
        let Self { takeover, settings, subprotocol, .. } = self;
        let new = || {
            takeover.counters().add(counters::OPENED, 1);
            let (settings, counters) = (Arc::clone(settings), Arc::clone(takeover.counters()));
            let (context, bell) = (takeover.context.clone(), turn.bell(connection));
            Socket(Arc::new(Link::new(connection.wire(), context, subprotocol.take(), settings, counters, bell)))
        };
        self.socket.get_or_insert_with(new).clone()
    }

    /// Makes the callbacks that are due, and reads until nothing is there.
    fn receive(&mut self, connection: &Connection, turn: &Turn<'_>, input: &mut [u8], socket: &Socket) -> Flow {
        let mut filled = take_front(&mut self.kept, input);
        let mut taken = 0;
        loop {
            let (used, flow) = self.digest(turn, &mut input[..filled], socket);
            input.copy_within(used..filled, 0);
            filled -= used;
            let over = matches!(self.state, State::Over(_));
            if flow == Flow::NeedsWorker || over || self.unread == Unread::Nothing || taken >= STRETCH {
                if taken >= STRETCH {
                    socket.0.call_again();
                }
                self.kept.splice(0..0, input[..filled].iter().copied());
                return flow;
            }
            let room = input.len() - filled;
            match connection.wire().read(&mut input[filled..]) {
                Ok(0) => {
                    self.unread = Unread::Nothing;
                    self.lose("the peer has closed the connection without a Close", connection);
                }
                Ok(length) => {
                    if length < room && self.unread == Unread::Bytes {
                        self.unread = Unread::Nothing;
                    }
                    filled += length;
                    taken += length;
                    self.times.heard = turn.now();
                    self.times.pinged = None;
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => self.unread = Unread::Nothing,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => {
                    turn.debug("connection lost", connection.id(), &error);
                    self.lose("the connection is lost", connection);
                }
            }
        }
    }

    /// Decodes, and makes the callbacks. Tells how much was used up.
    fn digest(&mut self, turn: &Turn<'_>, input: &mut [u8], socket: &Socket) -> (usize, Flow) {
        let limits = self.settings.limits();
        let mut used = 0;
        loop {
            if self.call.is_some() {
                if turn.place() == Place::Loop && self.takeover.wants_worker() {
                    return (used, Flow::NeedsWorker);
                }
                // Answers to messages that came together leave together. The last one's need not wait.
                let more = turn.place() == Place::Loop && used < input.len();
                let delivery = if more { Delivery::Gathered } else { Delivery::Prompt };
                self.set_delivery(&socket.0, delivery);
                self.make_call(turn, socket);
                continue;
            }
            if !matches!(self.state, State::Open | State::Closing { .. }) {
                return (input.len(), Flow::Dry);
            }
            match self.decoder.decode(&mut input[used..], &limits) {
                Ok((0, None)) => return (used, Flow::Dry),
                Ok((length, event)) => {
                    used += length;
                    if let Some(event) = event {
                        self.hear(event, &socket.0, self.now(turn));
                    }
                }
                Err(Violation { code, rule }) => {
                    turn.debug("websocket rule broken", socket.id(), &rule);
                    self.fail(code, rule, &socket.0, self.now(turn));
                }
            }
        }
    }

    fn set_delivery(&mut self, link: &Link, delivery: Delivery) {
        if self.delivery != delivery {
            self.delivery = delivery;
            link.set_delivery(delivery);
        }
    }

    fn make_call(&mut self, turn: &Turn<'_>, socket: &Socket) {
        let Some(call) = self.call.take() else { return };
        self.made = Made::Calls;
        self.told = match &call {
            Call::Closed(_) => Told::Closed,
            Call::Message(_) | Call::Opened => Told::Opened,
        };
        let is_last = self.told == Told::Closed;
        let handler = &mut self.handler;
        let result = turn.call(self.takeover.pace(), || {
            let result = match call {
                Call::Closed(closed) => {
                    handler.on_close(socket, &closed);
                    Ok(())
                }
                Call::Message(message) => handler.on_message(socket, message),
                Call::Opened => handler.on_open(socket),
            };
            // Its text is the user's to make.
            result.map_err(|error| error.to_string())
        });
        let route = self.takeover.route();
        match result {
            Ok(Ok(())) => return,
            // It could not send any more: that is no failure of its own.
            Ok(Err(error)) if !socket.is_open() => return turn.debug("websocket handler failed", socket.id(), &error),
            Ok(Err(error)) => turn.error("websocket handler failed", socket.id(), &format_args!("{route}: {error}")),
            Err(error) => turn.error("websocket handler panicked", socket.id(), &format_args!("{route}: {error}")),
        }
        if !is_last {
            self.fail(CloseCode::INTERNAL, "internal error", &socket.0, turn.read_clock());
        }
    }

    /// Sends what there is, and says what comes next; `None` when there is something to be done first.
    fn settle(&mut self, link: &Link, connection: &Connection, now: Instant) -> Option<Next> {
        let (sent, closed) = {
            let mut outbox = link.outbox();
            outbox.called = Called::No;
            outbox.delivery = Delivery::Prompt;
            self.delivery = Delivery::Prompt;
            let sent = outbox.send(|| now);
            self.times.stalled = outbox.stalled();
            (sent, outbox.closed.take())
        };
        self.notice_closing(closed, now);
        let sent = match sent {
            Ok(sent) => sent,
            Err(_) => {
                // Its Close, or its end, may be there to be read; and if not, the socket says so.
                if !matches!(self.state, State::Over(_)) {
                    self.lose("the connection is lost", connection);
                    return None;
                }
                Sent::All
            }
        };
        let until = match &mut self.state {
            State::Over(ending) => return Some(Next::Close(*ending)),
            State::Open => self.next_look(),
            State::Closing { until, .. } => *until,
            State::Lingering { until, said } => {
                if *said == Said::NotYet && sent == Sent::All {
                    *said = Said::All;
                    *until = now.checked_add(LINGER);
                    // It fails for a peer that has gone, which is then read.
                    drop(connection.wire().shutdown(Shutdown::Write));
                }
                *until
            }
        };
        let open = matches!(self.state, State::Open);
        let idle = open && sent == Sent::All && self.kept.is_empty() && !self.decoder.is_within_message();
        Some(match sent {
            Sent::All => Next::Read { doing: if idle { Doing::Idle } else { Doing::Busy }, until },
            Sent::Part => Next::Write { until },
        })
    }
}

/// The connection was cut, or the process is at its end.
impl Drop for WebSocketSession {
    fn drop(&mut self) {
        let Some(socket) = self.socket.take() else { return };
        socket.0.counters().add(counters::CLOSED, 1);
        if !matches!(self.state, State::Over(_)) {
            if !matches!(self.state, State::Lingering { .. }) {
                socket.0.counters().add(counters::CUT, 1);
            }
            socket.0.end();
        }
        if self.told == Told::Opened {
            let closed = match self.call.take() {
                Some(Call::Closed(closed)) => *closed,
                _ => Closed::lost("cut at the deadline"),
            };
            // It is the user's, and what else is to be dropped here must not suffer from it. The panic's hook has told of it.
            let _ = catch_panic(|| self.handler.on_close(&socket, &closed));
        }
    }
}
