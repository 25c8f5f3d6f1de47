//! The classes of what a client does not get answered.

use std::io;
use std::time::Instant;

use crate::{Class, Use};

use super::client::Client;
use super::course::Course;
use super::tally::Noted;

/// How the requests on a connection came to be unanswered.
#[derive(Debug)]
pub(super) enum How {
    /// An answer said that the server closes.
    Announced,
    Ended,
    Invalid(&'static str),
    Reset(Option<io::Error>),
    TimedOut,
}

/// What the class of an unanswered request depends on.
#[derive(Clone, Copy, Debug)]
struct Circumstances {
    /// It is the one whose answer is next.
    is_next: bool,
    /// Some of that answer has come.
    has_begun: bool,
    /// Another request of the same write was answered, so that the server has read them.
    was_read: bool,
    on: Use,
}

impl Client {
    /// Counts what is outstanding on a connection that ends with it.
    pub(super) fn lose(&mut self, course: &mut Course, how: How, now: Instant) {
        course.tallies[self.group].connections.lost += 1;
        self.count_lost(course, &how, now);
    }

    /// Counts what is outstanding, and says how much that was.
    pub(super) fn count_lost(&mut self, course: &mut Course, how: &How, now: Instant) -> u32 {
        let Some(connection) = &self.connection else { return 0 };
        let group = &course.groups[self.group];
        // A fresh connection was made for one request at least, if it was sent or not.
        let attempted = connection.sent_partly(group).max(u32::from(connection.served == 0));
        let (answered, received) = (connection.answered, connection.parser.received());
        let forfeits = group.pattern.forfeits();
        let local_port = connection.stream.local_port();
        let mut told = None;
        for request in answered..attempted {
            let is_next = request == answered;
            let (on, was_read) = (connection.usage(), answered > 0);
            let circumstances = Circumstances { is_next, has_begun: received > 0, was_read, on };
            let class = if forfeits { Class::Forfeited } else { class(how, circumstances) };
            let group = &course.groups[self.group];
            let noted = Noted {
                group: self.group,
                client: self.number,
                class,
                sent: connection.sent(group, request, course.signal),
                on,
                local_port,
                bytes_sent: connection.written.saturating_sub(request as usize * group.one).min(group.one) as u64,
                bytes_received: if is_next { received } else { 0 },
                began: connection.began,
                noticed: now,
                error: how.error(),
            };
            course.unanswered(&noted);
            // One of each class is enough of a connection.
            if told != Some(class) {
                told = Some(class);
                course.note(noted);
            }
        }
        attempted.saturating_sub(answered)
    }
}

impl How {
    fn error(&self) -> Option<String> {
        match self {
            Self::Invalid(why) => Some((*why).to_owned()),
            Self::Reset(error) => error.as_ref().map(io::Error::to_string),
            Self::Announced | Self::Ended | Self::TimedOut => None,
        }
    }
}

fn class(how: &How, circumstances: Circumstances) -> Class {
    let Circumstances { is_next, has_begun, was_read, on } = circumstances;
    match how {
        How::Announced => Class::UnansweredAfterClose,
        How::TimedOut => Class::TimedOut,
        How::Invalid(_) if is_next => Class::Invalid,
        How::Ended | How::Reset(_) if is_next && has_begun => Class::Truncated,
        How::Reset(_) => Class::Reset,
        How::Ended if on == Use::Reused && !was_read && !has_begun => Class::Raced,
        How::Ended | How::Invalid(_) => Class::Ended,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_class_follows_from_the_circumstances() {
        let next = Circumstances { is_next: true, has_begun: false, was_read: false, on: Use::Fresh };
        let behind = Circumstances { is_next: false, ..next };
        let reused = Circumstances { on: Use::Reused, ..next };
        let begun = Circumstances { has_begun: true, ..reused };
        let read = Circumstances { was_read: true, ..reused };
        let check =
            |how: How, at: Circumstances, expected: Class| assert_eq!(class(&how, at), expected, "{how:?}, {at:?}");
        check(How::Announced, next, Class::UnansweredAfterClose);
        check(How::Announced, behind, Class::UnansweredAfterClose);
        check(How::Ended, next, Class::Ended);
        check(How::Ended, reused, Class::Raced);
        check(How::Ended, Circumstances { is_next: false, ..reused }, Class::Raced);
        check(How::Ended, read, Class::Ended);
        check(How::Ended, begun, Class::Truncated);
        check(How::Ended, Circumstances { is_next: false, ..begun }, Class::Ended);
        check(How::Reset(None), next, Class::Reset);
        check(How::Reset(None), reused, Class::Reset);
        check(How::Reset(None), begun, Class::Truncated);
        check(How::Reset(None), Circumstances { is_next: false, ..begun }, Class::Reset);
        check(How::Invalid("why"), begun, Class::Invalid);
        check(How::Invalid("why"), behind, Class::Ended);
        check(How::TimedOut, begun, Class::TimedOut);
        check(How::TimedOut, behind, Class::TimedOut);
    }
}
