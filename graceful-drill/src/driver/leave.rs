//! How clients lose their connections, and how they end.

use std::time::{Duration, Instant};

use crate::{Class, clock};

use super::client::{Client, State};
use super::course::{Course, Stage};
use super::loss::How;

/// After a failure a client waits at least so long, and at most 64 times that.
const SHORTEST_BACKOFF: Duration = Duration::from_millis(1);

/// How a client ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    Deadline,
    Done,
    Refused,
}

/// Why a client is without a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Left {
    /// Its round is over, with all answers.
    Answered,
    /// The connection ended while it held it.
    Idle,
    /// As `Idle`, and nothing was ever answered on it.
    Unused,
    Lost,
    Refused,
    /// It could not even try.
    Starved,
}

impl Client {
    /// Goes on without the connection.
    pub(super) fn leave(&mut self, course: &mut Course, left: Left, now: Instant) {
        self.connection = None;
        self.state = State::Away;
        self.wake = None;
        let group = &course.groups[self.group];
        match left {
            Left::Answered | Left::Lost | Left::Refused => self.rounds = self.rounds.saturating_sub(1),
            Left::Idle | Left::Starved | Left::Unused => {}
        }
        let goes_on = group.pattern.is_loop() || left == Left::Starved;
        let pause = group.pause;
        match left {
            Left::Refused if !goes_on || course.signal.is_some() => self.end(course, End::Refused),
            _ if !goes_on || self.rounds == 0 => self.end(course, End::Done),
            _ if course.stage == Stage::Settling => self.end(course, End::Deadline),
            Left::Answered if pause > Duration::ZERO => self.wake_at(course, clock::after(now, pause)),
            Left::Answered | Left::Idle => self.connect(course, now),
            Left::Lost | Left::Refused | Left::Starved | Left::Unused => {
                // Whoever waits for it to get into position waits for more than one attempt in vain.
                if left != Left::Starved {
                    self.in_position(course);
                }
                let backoff = SHORTEST_BACKOFF * (1 << self.failures.min(6));
                self.failures += 1;
                self.wake_at(course, now + backoff);
            }
        }
    }

    /// Nothing new is sent any more.
    pub(super) fn settle(&mut self, course: &mut Course, now: Instant) {
        match self.state {
            State::Away => self.end(course, End::Deadline),
            State::Holding => {
                course.tallies[self.group].connections.held += 1;
                self.end(course, End::Deadline);
            }
            State::Asking if course.groups[self.group].pattern.forfeits() => {
                self.lose(course, How::TimedOut, now);
                self.end(course, End::Deadline);
            }
            State::Asking | State::Connecting | State::Ended => {}
        }
    }

    /// Gives up what has taken too long.
    pub(super) fn expire(&mut self, course: &mut Course, now: Instant) {
        let Some(connection) = &self.connection else { return };
        let idle_for = now.saturating_duration_since(connection.progress);
        if idle_for >= course.patience && !self.is_dawdling(course) {
            self.give_up(course, now);
        }
    }

    /// Gives up whatever it waits for.
    pub(super) fn give_up(&mut self, course: &mut Course, now: Instant) {
        let Some(connection) = &self.connection else { return };
        match self.state {
            State::Connecting => {
                let began = connection.began;
                self.attempt_failed(course, Class::TimedOut, None, began, now);
                self.leave(course, Left::Lost, now);
            }
            State::Asking => {
                self.lose(course, How::TimedOut, now);
                self.leave(course, Left::Lost, now);
            }
            State::Away | State::Ended | State::Holding => {}
        }
    }

    pub(super) fn end(&mut self, course: &mut Course, end: End) {
        self.in_position(course);
        self.connection = None;
        self.wake = None;
        if self.state == State::Ended {
            return;
        }
        self.state = State::Ended;
        course.alive -= 1;
        if course.groups[self.group].pattern.is_loop() {
            course.looping = course.looping.map(|looping| looping - 1);
        }
        let ends = &mut course.tallies[self.group].ends;
        match end {
            End::Deadline => ends.deadline += 1,
            End::Done => ends.done += 1,
            End::Refused => ends.refused += 1,
        }
    }
}
