//! One client: what it does next.

use std::io;
use std::time::Instant;

use mio::{Interest, Token};

use crate::pattern::{Pattern, Reading, Rest};
use crate::{Class, Sent, Use, clock};

use super::connection::{Connection, Look};
use super::course::{Course, Stage};
use super::leave::{End, Left};
use super::tally::Noted;

/// The rest of a request that is sent over some time is sent in so many pieces.
const PIECES: u32 = 16;

#[derive(Debug)]
pub(super) struct Client {
    /// Its number in the run, which is its token.
    pub(super) id: usize,
    pub(super) group: usize,
    /// Its number in the group.
    pub(super) number: usize,
    pub(super) state: State,
    pub(super) connection: Option<Connection>,
    /// The one wake that it wants.
    pub(super) wake: Option<Instant>,
    position: Position,
    pub(super) rounds: u64,
    /// Attempts that failed since the last answer.
    pub(super) failures: u32,
    /// Pieces of the rest of a request that may be sent by now.
    pieces: u32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    /// Without a connection.
    Away,
    Connecting,
    /// Connected, without an outstanding request.
    Holding,
    /// With outstanding requests.
    Asking,
    Ended,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Position {
    None,
    Taking,
    Taken,
}

impl Client {
    pub(super) fn new(id: usize, group: usize, number: usize, rounds: u64) -> Self {
        let state = State::Away;
        let position = Position::None;
        Self { id, group, number, state, connection: None, wake: None, position, rounds, failures: 0, pieces: 0 }
    }

    /// Gets to where it has to be for the next stage.
    pub(super) fn take_position(&mut self, course: &mut Course, now: Instant) {
        self.position = Position::Taking;
        course.taking_position += 1;
        self.connect(course, now);
    }

    /// The loops begin.
    pub(super) fn begin_load(&mut self, course: &mut Course, now: Instant) {
        match (&course.groups[self.group].pattern, self.state) {
            (Pattern::PerRequest { .. }, State::Away) => self.connect(course, now),
            (Pattern::KeepAlive { .. }, State::Holding) => self.ask_if_open(course, now),
            _ => {}
        }
    }

    pub(super) fn connect(&mut self, course: &mut Course, now: Instant) {
        let group = &course.groups[self.group];
        let connected = course.place.connect(group.window).and_then(|mut stream| {
            course.registry.register(&mut stream, Token(self.id), Interest::READABLE | Interest::WRITABLE)?;
            Ok(stream)
        });
        match connected {
            Ok(stream) => {
                if !matches!(group.pattern, Pattern::PerRequest { .. } | Pattern::Storm { .. }) {
                    stream.hasten();
                }
                self.connection = Some(Connection::new(stream, now));
                self.state = State::Connecting;
            }
            Err(error) => self.not_connected(course, error, now, now),
        }
    }

    /// The connection that was being made is there, or is not.
    pub(super) fn connected(&mut self, course: &mut Course) {
        let Some(connection) = &self.connection else { return };
        let (began, connected) = (connection.began, connection.stream.connected());
        let now = clock::now();
        match connected {
            None => {}
            Some(Err(error)) => self.not_connected(course, error, began, now),
            Some(Ok(())) => {
                course.tallies[self.group].connections.made += 1;
                let is_loop = matches!(course.groups[self.group].pattern, Pattern::KeepAlive { .. });
                if is_loop && course.stage == Stage::Opening {
                    self.state = State::Holding;
                    self.in_position(course);
                } else {
                    self.ask(course, now);
                }
            }
        }
    }

    fn not_connected(&mut self, course: &mut Course, error: io::Error, began: Instant, now: Instant) {
        if is_out_of_descriptors(&error) {
            course.failure.get_or_insert(error);
            return self.end(course, End::Deadline);
        }
        let (class, left) = match error.kind() {
            // A Unix socket whose queue is full says WouldBlock.
            io::ErrorKind::AddrNotAvailable | io::ErrorKind::WouldBlock => {
                course.starved += 1;
                return self.leave(course, Left::Starved, now);
            }
            io::ErrorKind::ConnectionRefused | io::ErrorKind::NotFound => (Class::Refused, Left::Refused),
            io::ErrorKind::TimedOut => (Class::TimedOut, Left::Lost),
            _ => (Class::Reset, Left::Lost),
        };
        self.attempt_failed(course, class, Some(error.to_string()), began, now);
        self.leave(course, left, now);
    }

    /// Counts an attempt to connect that came to nothing.
    pub(super) fn attempt_failed(
        &mut self,
        course: &mut Course,
        class: Class,
        error: Option<String>,
        began: Instant,
        noticed: Instant,
    ) {
        let noted = Noted {
            group: self.group,
            client: self.number,
            class,
            sent: Sent::Unfinished,
            on: Use::Fresh,
            local_port: self.connection.as_ref().and_then(|connection| connection.stream.local_port()),
            bytes_sent: 0,
            bytes_received: 0,
            began,
            noticed,
            error,
        };
        course.unanswered(&noted);
        course.note(noted);
    }

    /// Sends the next requests.
    pub(super) fn ask(&mut self, course: &mut Course, now: Instant) {
        let group = &course.groups[self.group];
        if let Some(connection) = &mut self.connection {
            connection.begin(group, now);
            if let Pattern::Download { reading } = &group.pattern {
                connection.allowance = match reading {
                    Reading::Paced { bytes, .. } => *bytes,
                    Reading::Stalled { after, .. } => *after,
                };
            }
            self.state = State::Asking;
            self.send(course, now);
        }
    }

    /// Sends what may be sent by now.
    pub(super) fn send(&mut self, course: &mut Course, now: Instant) {
        let Some(connection) = &mut self.connection else { return };
        let group = &course.groups[self.group];
        let before = connection.written;
        if let Err(error) = connection.send(&group.bytes) {
            // An answer may have come before the connection broke; it is read from the next turn.
            connection.broken = Some(error);
            return self.wake_at(course, now);
        }
        if connection.written > before {
            connection.progress = now;
        }
        let sent = connection.written == connection.limit;
        if sent && matches!(group.pattern, Pattern::InFlight | Pattern::Partial { .. } | Pattern::Queued) {
            self.in_position(course);
        }
    }

    /// All requests of the round are answered, and the connection stays.
    pub(super) fn round_done(&mut self, course: &mut Course, now: Instant) {
        let Some(connection) = &mut self.connection else { return };
        connection.served += u64::from(connection.requests);
        self.state = State::Holding;
        let group = &course.groups[self.group];
        match &group.pattern {
            Pattern::KeepAlive { .. } if self.rounds > 1 => {
                self.rounds -= 1;
                if course.stage == Stage::Settling {
                    self.settle(course, now);
                } else if group.pause.is_zero() {
                    self.ask_if_open(course, now);
                } else {
                    self.wake_at(course, clock::after(now, group.pause));
                }
            }
            Pattern::Idle { .. } if course.stage == Stage::Settling => self.settle(course, now),
            Pattern::Idle { .. } => self.in_position(course),
            _ => {
                course.tallies[self.group].connections.by_client += 1;
                self.leave(course, Left::Answered, now);
            }
        }
    }

    pub(super) fn wake(&mut self, course: &mut Course, now: Instant) {
        self.wake = None;
        if self.connection.as_ref().is_some_and(|connection| connection.broken.is_some()) {
            return self.receive_all(course);
        }
        match self.state {
            State::Away => self.connect(course, now),
            State::Holding => self.ask_if_open(course, now),
            State::Asking => self.go_on(course, now),
            State::Connecting | State::Ended => {}
        }
    }

    /// Sends or reads the next part of something slow.
    fn go_on(&mut self, course: &mut Course, now: Instant) {
        let Some(connection) = &mut self.connection else { return };
        let group = &course.groups[self.group];
        match &group.pattern {
            Pattern::Partial { rest, .. } => {
                let rest_of_it = group.bytes.len() - group.at_first;
                self.pieces = if matches!(rest, Rest::Over(_)) { self.pieces + 1 } else { PIECES };
                connection.limit = group.at_first + rest_of_it * self.pieces as usize / PIECES as usize;
                self.wake_for_rest(course);
                self.send(course, now);
            }
            Pattern::Download { reading } => {
                connection.allowance = match reading {
                    Reading::Paced { bytes, .. } => *bytes,
                    Reading::Stalled { .. } => usize::MAX,
                };
                connection.progress = now;
                self.receive_all(course);
            }
            _ => {}
        }
    }

    /// The signal is about to be given.
    pub(super) fn note_signal(&mut self, course: &Course) {
        if let (Some(connection), State::Asking) = (&mut self.connection, self.state) {
            connection.sent_before = connection.sent_whole(&course.groups[self.group]);
        }
    }

    /// The signal was given.
    pub(super) fn signalled(&mut self, course: &mut Course, signal: Instant) {
        let after = match (&course.groups[self.group].pattern, self.state) {
            (Pattern::Idle { late: Some(late) }, State::Holding) if self.number < late.clients => late.after,
            (Pattern::Download { reading: Reading::Stalled { resume: Some(after), .. } }, State::Asking) => *after,
            (Pattern::Partial { .. }, State::Asking) => return self.wake_for_rest(course),
            _ => return,
        };
        self.wake_at(course, clock::after(signal, after));
    }

    fn wake_for_rest(&mut self, course: &mut Course) {
        let Some(signal) = course.signal else { return };
        let Pattern::Partial { rest, .. } = &course.groups[self.group].pattern else { return };
        let after = match rest {
            _ if self.pieces == PIECES => return,
            Rest::After(after) => *after,
            Rest::Never => return,
            Rest::Over(time) => *time * (self.pieces + 1) / PIECES,
        };
        self.wake_at(course, clock::after(signal, after));
    }

    /// Sends the next requests, unless the server has ended the connection meanwhile: then it goes on without it.
    fn ask_if_open(&mut self, course: &mut Course, now: Instant) {
        let Some(connection) = &mut self.connection else { return };
        let left = if connection.served == 0 { Left::Unused } else { Left::Idle };
        let connections = &mut course.tallies[self.group].connections;
        match connection.look() {
            Look::Open => return self.ask(course, now),
            Look::Ended => connections.closed_idle += 1,
            Look::Reset => connections.reset_idle += 1,
            Look::Unsolicited => connections.unsolicited += 1,
        }
        self.leave(course, left, now);
    }

    /// It is the client that has to do something, or never will.
    pub(super) fn is_dawdling(&self, course: &Course) -> bool {
        let Some(connection) = &self.connection else { return false };
        let group = &course.groups[self.group];
        match &group.pattern {
            _ if self.state != State::Asking => false,
            Pattern::Download { .. } => connection.allowance == 0,
            Pattern::Partial { .. } => connection.limit < group.bytes.len() && connection.written == connection.limit,
            _ => false,
        }
    }

    pub(super) fn wake_at(&mut self, course: &mut Course, at: Instant) {
        self.wake = Some(at);
        course.timers.set(at, self.id);
    }

    pub(super) fn in_position(&mut self, course: &mut Course) {
        if self.position == Position::Taking {
            self.position = Position::Taken;
            course.taking_position -= 1;
        }
    }
}

/// EMFILE and ENFILE have no kind of their own.
#[cfg(unix)]
fn is_out_of_descriptors(error: &io::Error) -> bool {
    matches!(error.raw_os_error(), Some(libc::EMFILE | libc::ENFILE))
}

#[cfg(not(unix))]
fn is_out_of_descriptors(_: &io::Error) -> bool {
    false
}
