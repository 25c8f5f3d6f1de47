//! What became of requests: the classes, and how many there are of each.

use std::fmt;
use std::ops::AddAssign;

/// What became of one request, or of the attempt to connect for it. Each has exactly one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Class {
    /// A complete and valid answer came.
    Answered,
    /// The connection ended before any byte of the answer. A loss.
    Ended,
    /// No answer came to a client that [did not do its part](crate::Rest::Never) for one. No loss.
    Forfeited,
    /// What came is no HTTP answer, or not the expected one. A loss.
    Invalid,
    /// As [`Ended`](Self::Ended), on a connection that had been idle: the request crossed the server's close on its way.
    /// A careful client looks for that close before it writes, as these clients do, and still cannot exclude it. A loss.
    Raced,
    /// The connection was refused, and nothing was sent. No loss.
    Refused,
    /// The connection was reset before any byte of the answer, or could not be made for any other reason than a refusal.
    /// A loss.
    Reset,
    /// Nothing happened for [too long](crate::Drill::patience). A loss.
    TimedOut,
    /// The connection ended or was reset in the middle of the answer. A loss.
    Truncated,
    /// A pipelined request behind an answer that said `Connection: close`, sent before that answer came. A loss.
    UnansweredAfterClose,
}

/// When a request was sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Sent {
    /// All of it was handed to the kernel before the signal; always so in a run without a signal.
    Before,
    /// All of it was handed to the kernel, the last part of it after the signal.
    After,
    /// Not all of it was.
    Unfinished,
}

/// The connection that a request was sent on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Use {
    /// No answer had come on it when the request was sent.
    Fresh,
    /// It had carried answers before.
    Reused,
}

/// The status of an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Status {
    /// 2xx.
    Success,
    /// 408: the server gave up on a request that was too slow.
    RequestTimeout,
    /// 503: the server says that it is stopping, or busy.
    Unavailable,
    /// Any other.
    Other,
}

/// Numbers of requests.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    classes: [[[u64; Use::ALL.len()]; Sent::ALL.len()]; Class::ALL.len()],
    statuses: [[u64; Sent::ALL.len()]; Status::ALL.len()],
}

impl Class {
    /// Every class.
    pub const ALL: [Self; 10] = [
        Self::Answered,
        Self::Ended,
        Self::Forfeited,
        Self::Invalid,
        Self::Raced,
        Self::Refused,
        Self::Reset,
        Self::TimedOut,
        Self::Truncated,
        Self::UnansweredAfterClose,
    ];

    /// A request that the service should have answered.
    #[must_use]
    pub fn is_loss(self) -> bool {
        !matches!(self, Self::Answered | Self::Forfeited | Self::Refused)
    }

    /// Its name in JSON.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Answered => "answered",
            Self::Ended => "ended",
            Self::Forfeited => "forfeited",
            Self::Invalid => "invalid",
            Self::Raced => "raced",
            Self::Refused => "refused",
            Self::Reset => "reset",
            Self::TimedOut => "timed_out",
            Self::Truncated => "truncated",
            Self::UnansweredAfterClose => "unanswered_after_close",
        }
    }
}

/// Its name, in words.
impl fmt::Display for Class {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.name().replace('_', " "))
    }
}

impl Sent {
    /// Every one.
    pub const ALL: [Self; 3] = [Self::Before, Self::After, Self::Unfinished];

    /// Its name in JSON.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Before => "before",
            Self::After => "after",
            Self::Unfinished => "unfinished",
        }
    }
}

impl Use {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Fresh, Self::Reused];

    /// Its name in JSON.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Fresh => "fresh",
            Self::Reused => "reused",
        }
    }
}

impl Status {
    /// Every one.
    pub const ALL: [Self; 4] = [Self::Success, Self::RequestTimeout, Self::Unavailable, Self::Other];

    /// Its name in tables and JSON.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Success => "2xx",
            Self::RequestTimeout => "408",
            Self::Unavailable => "503",
            Self::Other => "other",
        }
    }

    pub(crate) fn of(code: u16) -> Self {
        match code {
            200..300 => Self::Success,
            408 => Self::RequestTimeout,
            503 => Self::Unavailable,
            _ => Self::Other,
        }
    }
}

impl Counts {
    /// All of a class.
    #[must_use]
    pub fn of(&self, class: Class) -> u64 {
        self.classes[class as usize].iter().flatten().sum()
    }

    /// Those of a class that were sent then.
    #[must_use]
    pub fn sent(&self, class: Class, sent: Sent) -> u64 {
        self.classes[class as usize][sent as usize].iter().sum()
    }

    /// Those of a class that were sent then, on such a connection.
    #[must_use]
    pub fn on(&self, class: Class, sent: Sent, on: Use) -> u64 {
        self.classes[class as usize][sent as usize][on as usize]
    }

    /// Answers with such a status.
    #[must_use]
    pub fn status(&self, status: Status) -> u64 {
        self.statuses[status as usize].iter().sum()
    }

    /// Answers with such a status to requests that were sent then.
    #[must_use]
    pub fn status_sent(&self, status: Status, sent: Sent) -> u64 {
        self.statuses[status as usize][sent as usize]
    }

    /// All requests, and all attempts to connect that came to none.
    #[must_use]
    pub fn attempts(&self) -> u64 {
        self.classes.iter().flatten().flatten().sum()
    }

    /// Requests that the service should have answered and did not.
    #[must_use]
    pub fn losses(&self) -> u64 {
        Class::ALL.iter().filter(|class| class.is_loss()).map(|class| self.of(*class)).sum()
    }

    pub(crate) fn add(&mut self, class: Class, sent: Sent, on: Use) {
        self.classes[class as usize][sent as usize][on as usize] += 1;
    }

    pub(crate) fn add_answer(&mut self, status: u16, sent: Sent, on: Use) {
        self.add(Class::Answered, sent, on);
        self.statuses[Status::of(status) as usize][sent as usize] += 1;
    }
}

impl AddAssign<&Counts> for Counts {
    fn add_assign(&mut self, other: &Self) {
        let (ours, theirs) = (&mut self.classes, &other.classes);
        let classes = ours.as_flattened_mut().as_flattened_mut().iter_mut().zip(theirs.as_flattened().as_flattened());
        let statuses = self.statuses.as_flattened_mut().iter_mut().zip(other.statuses.as_flattened());
        for (sum, value) in classes.chain(statuses) {
            *sum += value;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn positions_are_those_in_all() {
        assert!(Class::ALL.iter().enumerate().all(|(at, class)| *class as usize == at));
        assert!(Sent::ALL.iter().enumerate().all(|(at, sent)| *sent as usize == at));
        assert!(Use::ALL.iter().enumerate().all(|(at, on)| *on as usize == at));
        assert!(Status::ALL.iter().enumerate().all(|(at, status)| *status as usize == at));
    }

    #[test]
    fn counts_add_up() {
        let mut counts = Counts::default();
        counts.add(Class::Reset, Sent::After, Use::Fresh);
        counts.add(Class::Refused, Sent::Unfinished, Use::Fresh);
        counts.add_answer(503, Sent::Before, Use::Reused);
        counts += &counts.clone();
        assert_eq!((counts.attempts(), counts.losses()), (6, 2));
        assert_eq!(counts.status(Status::Unavailable), 2);
        assert_eq!(counts.status_sent(Status::Unavailable, Sent::After), 0);
        assert_eq!(counts.on(Class::Answered, Sent::Before, Use::Reused), 2);
        assert_eq!(counts.sent(Class::Reset, Sent::Before), 0);
    }

    #[test]
    fn only_answers_and_refusals_are_no_losses() {
        let check = |class: Class, is_loss: bool| assert_eq!(class.is_loss(), is_loss, "{class}");
        check(Class::Answered, false);
        check(Class::Ended, true);
        check(Class::Forfeited, false);
        check(Class::Invalid, true);
        check(Class::Raced, true);
        check(Class::Refused, false);
        check(Class::Reset, true);
        check(Class::TimedOut, true);
        check(Class::Truncated, true);
        check(Class::UnansweredAfterClose, true);
    }
}
