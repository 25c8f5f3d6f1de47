//! What a client does with what it receives.

use std::io::{self, Read as _};
use std::mem;
use std::time::Instant;

use mio::event::Event as Readiness;

use crate::answer::{After, Answer, Event};
use crate::clock;
use crate::pattern::{Pattern, Reading};

use super::client::{Client, State};
use super::course::Course;
use super::leave::Left;
use super::loss::How;

/// So often a client reads at a stretch. There may be no end to a large answer, and others wait.
const READS: usize = 16;

/// Whether a client is still on the connection that it has read from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    Elsewhere,
    Same,
}

impl Client {
    /// Something happened to its connection.
    pub(super) fn ready(&mut self, course: &mut Course, readiness: &Readiness) {
        match self.state {
            State::Connecting => self.connected(course),
            State::Asking if readiness.is_writable() => self.send_on(course),
            _ => {}
        }
        let ends = readiness.is_read_closed() || readiness.is_error();
        if ends && self.is_stalled_for_good(course) {
            let how = if readiness.is_error() { How::Reset(None) } else { How::Ended };
            let now = clock::now();
            self.lose(course, how, now);
            self.leave(course, Left::Lost, now);
        } else if ends {
            self.receive_all(course);
        } else if readiness.is_readable() {
            self.receive(course, Until::Short);
        }
    }

    /// Reads to the end of what there is, also where a short read would say that nothing is left.
    pub(super) fn receive_all(&mut self, course: &mut Course) {
        self.receive(course, Until::Nothing);
    }

    fn send_on(&mut self, course: &mut Course) {
        if self.connection.as_ref().is_some_and(|connection| connection.written < connection.limit) {
            self.send(course, clock::now());
        }
    }

    fn is_stalled_for_good(&self, course: &Course) -> bool {
        let stalled = self.connection.as_ref().is_some_and(|connection| connection.allowance == 0);
        stalled && self.state == State::Asking && course.groups[self.group].pattern.forfeits()
    }

    fn receive(&mut self, course: &mut Course, until: Until) {
        if matches!(self.state, State::Holding | State::Asking) {
            let mut buffer = mem::take(&mut course.buffer);
            self.receive_into(course, &mut buffer, until);
            course.buffer = buffer;
        }
    }

    fn receive_into(&mut self, course: &mut Course, buffer: &mut [u8], until: Until) {
        for _ in 0..READS {
            let Some(connection) = &mut self.connection else { return };
            let room = buffer.len().min(connection.allowance);
            if room == 0 {
                return self.pause_reading(course);
            }
            match connection.stream.read(&mut buffer[..room]) {
                Ok(0) => return self.ended(course, None),
                Ok(size) => {
                    if connection.allowance != usize::MAX {
                        connection.allowance -= size;
                    }
                    let place = self.digest(course, &buffer[..size]);
                    // The next byte is a new event, unless the end of the connection was one already.
                    if place == Place::Elsewhere || size < room && until == Until::Short {
                        return;
                    }
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    if connection.broken.is_some() {
                        self.ended(course, None);
                    }
                    return;
                }
                Err(error) => return self.ended(course, Some(error)),
            }
        }
        course.unfinished.push(self.id);
    }

    /// It has read as much as it wanted to by now.
    fn pause_reading(&mut self, course: &mut Course) {
        self.in_position(course);
        let Pattern::Download { reading: Reading::Paced { every, .. } } = &course.groups[self.group].pattern else {
            return;
        };
        if self.wake.is_none() {
            let next = clock::after(clock::now(), *every);
            self.wake_at(course, next);
        }
    }

    fn digest(&mut self, course: &mut Course, mut input: &[u8]) -> Place {
        let now = clock::now();
        if self.state != State::Asking {
            return self.unsolicited(course, Left::Idle, now);
        }
        while !input.is_empty() {
            let Some(connection) = &mut self.connection else { return Place::Elsewhere };
            if connection.answered == connection.requests {
                return self.unsolicited(course, Left::Answered, now);
            }
            connection.progress = now;
            let wanted = &course.groups[self.group].wanted;
            match course.memos[self.group].read(&mut connection.parser, &mut input, wanted) {
                Ok(Some(Event::Done(answer))) => {
                    if self.answered(course, answer, now) == After::Closes {
                        return self.announced(course, now);
                    }
                }
                Ok(Some(Event::Continue)) => self.continued(course, now),
                Ok(None) => return Place::Same,
                Err(why) => {
                    self.lose(course, How::Invalid(why), now);
                    self.leave(course, Left::Lost, now);
                    return Place::Elsewhere;
                }
            }
        }
        if self.connection.as_ref().is_some_and(|connection| connection.answered == connection.requests) {
            self.round_done(course, now);
        }
        // A client without a connection to read from is elsewhere too.
        if matches!(self.state, State::Asking | State::Holding) { Place::Same } else { Place::Elsewhere }
    }

    /// Counts an answer. The connection closes behind it, or cannot be used any more.
    #[inline]
    fn answered(&mut self, course: &mut Course, answer: Answer, now: Instant) -> After {
        let Some(connection) = &mut self.connection else { return After::Closes };
        let group = &course.groups[self.group];
        let request = connection.answered;
        connection.answered += 1;
        self.failures = 0;
        // It was answered before all of it was sent: what follows on the connection would be taken for its rest.
        let is_early = request >= connection.sent_whole(group);
        let (sent, on, began) = (connection.sent(group, request, course.signal), connection.usage(), connection.began);
        course.answered(self.group, answer.status, sent, on, began, now);
        if is_early { After::Closes } else { answer.after }
    }

    /// The server has said that it closes: nothing more is sent, and nothing more is expected.
    fn announced(&mut self, course: &mut Course, now: Instant) -> Place {
        course.tallies[self.group].connections.announced += 1;
        let has_lost = self.count_lost(course, &How::Announced, now) > 0;
        self.leave(course, if has_lost { Left::Lost } else { Left::Answered }, now);
        Place::Elsewhere
    }

    fn continued(&mut self, course: &mut Course, now: Instant) {
        let group = &course.groups[self.group];
        if let Some(connection) = &mut self.connection
            && group.awaits_continue
        {
            connection.limit = group.bytes.len();
            self.send(course, now);
        }
    }

    fn unsolicited(&mut self, course: &mut Course, left: Left, now: Instant) -> Place {
        course.tallies[self.group].connections.unsolicited += 1;
        self.leave(course, left, now);
        Place::Elsewhere
    }

    /// The connection is over.
    fn ended(&mut self, course: &mut Course, error: Option<io::Error>) {
        let Some(connection) = &mut self.connection else { return };
        let now = clock::now();
        let error = error.or_else(|| connection.broken.take());
        let is_unused = connection.served == 0;
        if self.state == State::Holding || !is_unused && connection.written == 0 {
            let connections = &mut course.tallies[self.group].connections;
            match error {
                None => connections.closed_idle += 1,
                Some(_) => connections.reset_idle += 1,
            }
            return self.leave(course, if is_unused { Left::Unused } else { Left::Idle }, now);
        }
        let wanted = &course.groups[self.group].wanted;
        let last = if error.is_none() { connection.parser.end(wanted) } else { None };
        let how = match (last, error) {
            (Some(Ok(answer)), _) => {
                self.answered(course, answer, now);
                self.announced(course, now);
                return;
            }
            (Some(Err(why)), _) => How::Invalid(why),
            (None, Some(error)) => How::Reset(Some(error)),
            (None, None) => How::Ended,
        };
        self.lose(course, how, now);
        self.leave(course, Left::Lost, now);
    }
}

/// How far a client reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Until {
    /// Until the kernel says that there is nothing.
    Nothing,
    /// Until there was less than what there was room for.
    Short,
}
