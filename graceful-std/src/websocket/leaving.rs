//! What a connection does about the time: Pings, silence, and the goodbye of a shutdown.

use std::time::{Duration, Instant};

use graceful_core::Connection;

use super::close::{CloseCode, Closed, Side};
use super::counters;
use super::frame::Kind;
use super::session::{State, Unread, WebSocketSession};
use super::socket::Link;

/// What has been done about the shutdown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Leaving {
    /// The farewell is sent, and the Close comes no earlier than this.
    Announced {
        not_before: Instant,
    },
    /// The drain has begun, and the Close is sent then.
    Due {
        at: Instant,
    },
    No,
    /// The Close that was sent is the shutdown's.
    Told,
}

/// What keeps coming is listened to for so long before the Close is sent all the same.
const PATIENCE: Duration = Duration::from_secs(1);

impl WebSocketSession {
    /// A shutdown has been requested.
    pub(super) fn announce(&mut self, now: Instant) {
        if self.leaving != Leaving::No {
            return;
        }
        let (Some(farewell), State::Open, Some(socket)) = (&self.settings.farewell, &self.state, &self.socket) else {
            return;
        };
        // One that does not keep up is closed like everybody else.
        let _ = socket.0.send_without_waiting(farewell);
        self.leaving = Leaving::Announced { not_before: now.checked_add(self.settings.notice()).unwrap_or(now) };
    }

    /// The drain has begun.
    pub(super) fn prepare_to_leave(&mut self, now: Instant) {
        self.announce(now);
        let not_before = match self.leaving {
            Leaving::Announced { not_before } => not_before.max(now),
            Leaving::No => now,
            Leaving::Due { .. } | Leaving::Told => return,
        };
        let id = self.socket.as_ref().map_or(0, |socket| socket.id());
        let at = not_before.checked_add(share(id, self.settings.spread)).unwrap_or(not_before);
        self.leaving = Leaving::Due { at };
    }

    /// Does what it is time for.
    pub(super) fn look_at_the_clock(&mut self, link: &Link, connection: &Connection, now: Instant) {
        let passed = |at: Option<Instant>| at.is_some_and(|at| at <= now);
        match self.state {
            State::Over(_) => return,
            State::Closing { until, .. } => {
                if passed(until) {
                    self.cut("the Close was not answered in time", connection);
                }
                return;
            }
            State::Lingering { until, .. } => {
                if passed(until) {
                    self.end(graceful_core::protocol::Ending::Completed, None);
                }
                return;
            }
            State::Open => {}
        }
        if self.call.is_some() {
            return;
        }
        if let Leaving::Due { at } = self.leaving {
            // What is left of the drain is for the peer's answer, whatever was to come before.
            let hurry = connection.stop().is_cancelled();
            if hurry || at <= now && (self.unread == Unread::Nothing || passed(at.checked_add(PATIENCE))) {
                return self.say_goodbye(link, now);
            }
        }
        if passed(self.room_until(self.times.stalled)) && passed(self.room_until(link.try_again(now))) {
            return self.cut("nothing was taken in time", connection);
        }
        if let Some(pinged) = self.times.pinged {
            if passed(pinged.checked_add(self.settings.pong_timeout)) {
                return self.lose("a Ping was not answered in time", connection);
            }
        } else if passed(self.next_ping()) {
            link.control(Kind::Ping, &[]);
            self.times.pinged = Some(now);
        }
        if passed(self.idle_until()) {
            let sent = link.outbox().messages();
            if sent == self.times.sent {
                link.close(CloseCode::NORMAL, "idle");
            } else {
                (self.times.sent, self.times.talked) = (sent, now);
            }
        }
    }

    /// When it has to look again, while it is open.
    pub(super) fn next_look(&self) -> Option<Instant> {
        let pong = |pinged: Instant| pinged.checked_add(self.settings.pong_timeout);
        let ping = self.times.pinged.map_or_else(|| self.next_ping(), pong);
        let goodbye = if let Leaving::Due { at } = self.leaving { Some(at) } else { None };
        [ping, self.room_until(self.times.stalled), goodbye, self.idle_until()].into_iter().flatten().min()
    }

    fn say_goodbye(&mut self, link: &Link, now: Instant) {
        let reason = &self.settings.close_reason;
        if !link.say_goodbye(CloseCode::GOING_AWAY, reason) {
            // Somebody else was first.
            return;
        }
        link.counters().add(counters::TOLD, 1);
        self.leaving = Leaving::Told;
        let closed = Closed { code: CloseCode::GOING_AWAY, reason: reason.clone(), by: Side::Server };
        let until = now.checked_add(self.settings.close_timeout);
        self.state = State::Closing { until, closed: Box::new(closed) };
    }

    fn next_ping(&self) -> Option<Instant> {
        let every = self.settings.ping_every;
        if every.is_zero() { None } else { self.times.heard.checked_add(every) }
    }

    fn room_until(&self, stalled: Option<Instant>) -> Option<Instant> {
        stalled.and_then(|since| since.checked_add(self.settings.write_timeout))
    }

    fn idle_until(&self) -> Option<Instant> {
        self.settings.idle_timeout.and_then(|timeout| self.times.talked.checked_add(timeout))
    }
}

/// A connection's share of a window: numbers that follow each other are far apart in it.
fn share(id: u64, window: Duration) -> Duration {
    const GOLDEN: u64 = 0x9E37_79B9_7F4A_7C15;
    window.mul_f64((id.wrapping_mul(GOLDEN) >> 40) as f64 / (1_u64 << 24) as f64)
}
