//! What a connection makes of what it hears, and how it comes to its end.

use std::time::Instant;

use graceful_core::Connection;
use graceful_core::protocol::Ending;

use super::close::{CloseCode, Closed, Side};
use super::counters;
use super::frame::{Event, Kind};
use super::leaving::Leaving;
use super::session::{Call, Said, State, Unread, WebSocketSession};
use super::socket::Link;

impl WebSocketSession {
    pub(super) fn hear(&mut self, event: Event, link: &Link, now: Instant) {
        match event {
            Event::Close(frame) => self.end_of_speech(frame, link, now),
            Event::Message(message) => {
                self.times.talked = now;
                link.counters().add(counters::RECEIVED, 1);
                self.call = Some(Call::Message(message));
            }
            Event::Ping(payload) => link.control(Kind::Pong, &payload),
            // Whatever comes is a sign of life.
            Event::Pong => {}
        }
    }

    /// The peer's Close.
    fn end_of_speech(&mut self, frame: Option<(CloseCode, String)>, link: &Link, now: Instant) {
        self.notice_closing(link.outbox().closed.take(), now);
        match std::mem::replace(&mut self.state, State::Open) {
            State::Closing { closed, .. } => {
                if self.leaving == Leaving::Told {
                    link.counters().add(counters::ANSWERED, 1);
                }
                self.end(Ending::Completed, Some(closed));
            }
            State::Open => {
                let (code, reason) = frame.unwrap_or((CloseCode::NO_STATUS, String::new()));
                link.say_goodbye(code, "");
                let closed = Closed { code, reason, by: Side::Peer };
                self.linger(closed, link, now);
            }
            state @ (State::Lingering { .. } | State::Over(_)) => self.state = state,
        }
    }

    /// A rule is broken, or the handler has failed.
    pub(super) fn fail(&mut self, code: CloseCode, reason: &str, link: &Link, now: Instant) {
        self.notice_closing(link.outbox().closed.take(), now);
        match &self.state {
            State::Open => {
                link.counters().add(counters::ERRORS, 1);
                link.say_goodbye(code, reason);
                self.linger(Closed { code, reason: reason.to_owned(), by: Side::Server }, link, now);
            }
            // Our Close is on its way already, and what would answer it cannot be understood.
            State::Closing { closed, .. } if code != CloseCode::INTERNAL => {
                let closed = (**closed).clone();
                self.linger(closed, link, now);
            }
            _ => {}
        }
    }

    fn linger(&mut self, closed: Closed, link: &Link, now: Instant) {
        let until = now.checked_add(self.settings.close_timeout);
        self.state = State::Lingering { until, said: Said::NotYet };
        self.unread = Unread::All;
        link.leave_rooms();
        self.call = Some(Call::Closed(Box::new(closed)));
    }

    /// The connection is no more.
    pub(super) fn lose(&mut self, why: &str, connection: &Connection) {
        if matches!(self.state, State::Lingering { .. }) {
            return self.end(Ending::Completed, None);
        }
        if connection.is_cut() {
            return self.cut("cut at the deadline", connection);
        }
        self.takeover.counters().add(counters::LOST, 1);
        self.end(Ending::Completed, Some(Box::new(Closed::lost(why))));
    }

    /// It is given up.
    pub(super) fn cut(&mut self, why: &str, connection: &Connection) {
        self.takeover.counters().add(counters::CUT, 1);
        let ending = if connection.stop().is_stopping() { Ending::Cut } else { Ending::Completed };
        self.end(ending, Some(Box::new(Closed::lost(why))));
    }

    pub(super) fn end(&mut self, ending: Ending, closed: Option<Box<Closed>>) {
        self.state = State::Over(ending);
        if let Some(socket) = &self.socket {
            socket.0.end();
        }
        if let Some(closed) = closed {
            self.call = Some(Call::Closed(closed));
        }
    }

    /// Somebody may have closed the connection through its [`Socket`].
    pub(super) fn notice_closing(&mut self, closed: Option<Box<Closed>>, now: Instant) {
        if let (State::Open, Some(closed)) = (&self.state, closed) {
            self.state = State::Closing { until: now.checked_add(self.settings.close_timeout), closed };
        }
    }
}
