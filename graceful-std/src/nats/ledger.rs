//! What was sent, and what of it the server has.

use std::collections::VecDeque;

/// Messages in the order in which they are handed to the driver. A reply to one confirms all before it: the server reads a
/// connection in order.
#[derive(Debug, Default)]
pub(super) struct Ledger {
    /// Not confirmed, the oldest first.
    open: VecDeque<Sent>,
    /// How many were confirmed or lost before the oldest.
    past: u64,
    /// Publishes that were taken from the user, and not sent yet.
    queued: usize,
    /// Bytes of publishes, sent or not, that are neither confirmed nor lost.
    bytes: usize,
    /// Publishes that were taken from the user.
    accepted: u64,
    /// Publishes that are confirmed or lost.
    settled: u64,
    /// Publishes that nobody has been told yet that they may be lost.
    lost: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sent {
    /// Ours: a question whether the server has what came before, or a request, whose answer is awaited.
    Other,
    /// The user's, of so many bytes.
    Publish(usize),
}

impl Ledger {
    /// A publish is taken from the user.
    pub(super) fn accept(&mut self, bytes: usize) {
        self.accepted += 1;
        self.queued += 1;
        self.bytes += bytes;
    }

    /// A message goes to the driver; its number, counted from 1.
    pub(super) fn send(&mut self, sent: Sent) -> u64 {
        if let Sent::Publish(_) = sent {
            self.queued -= 1;
        }
        self.open.push_back(sent);
        self.past + self.open.len() as u64
    }

    /// A publish that was accepted cannot be sent.
    pub(super) fn reject(&mut self, bytes: usize) {
        self.queued -= 1;
        self.settle(Sent::Publish(bytes));
        self.lost += 1;
    }

    /// The server has everything up to this number.
    pub(super) fn confirm(&mut self, number: u64) {
        while self.past < number
            && let Some(sent) = self.open.pop_front()
        {
            self.past += 1;
            self.settle(sent);
        }
    }

    /// The connection broke; everything up to this number had been written to it, or was about to be.
    pub(super) fn lose(&mut self, number: u64) {
        while self.past < number
            && let Some(sent) = self.open.pop_front()
        {
            self.past += 1;
            self.settle(sent);
            self.lost += usize::from(matches!(sent, Sent::Publish(_)));
        }
    }

    /// Whether publishes have been sent of which it is not known whether the server has them.
    pub(super) fn has_unconfirmed(&self) -> bool {
        self.accepted - self.settled > self.queued as u64
    }

    /// Publishes that are neither confirmed nor lost, and their bytes.
    pub(super) fn unsettled(&self) -> (usize, usize) {
        (usize::try_from(self.accepted - self.settled).unwrap_or(usize::MAX), self.bytes)
    }

    pub(super) fn accepted(&self) -> u64 {
        self.accepted
    }

    pub(super) fn settled(&self) -> u64 {
        self.settled
    }

    /// How many may be lost; each is told once.
    pub(super) fn take_lost(&mut self) -> usize {
        std::mem::take(&mut self.lost)
    }

    fn settle(&mut self, sent: Sent) {
        if let Sent::Publish(bytes) = sent {
            self.settled += 1;
            self.bytes -= bytes;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_echo_confirms_what_came_before() {
        let mut ledger = Ledger::default();
        (0..3).for_each(|_| ledger.accept(10));
        assert_eq!((ledger.unsettled(), ledger.has_unconfirmed()), ((3, 30), false));
        ledger.send(Sent::Publish(10));
        ledger.send(Sent::Publish(10));
        let echo = ledger.send(Sent::Other);
        assert_eq!(ledger.send(Sent::Publish(10)), 4);
        assert!(ledger.has_unconfirmed());
        ledger.confirm(echo);
        assert_eq!((ledger.settled(), ledger.unsettled(), ledger.has_unconfirmed()), (2, (1, 10), true));
        // Late and again.
        ledger.confirm(1);
        assert_eq!(ledger.settled(), 2);
        ledger.confirm(4);
        assert_eq!((ledger.accepted(), ledger.settled(), ledger.take_lost()), (3, 3, 0));
    }

    #[test]
    fn what_was_written_to_a_connection_that_broke_may_be_lost() {
        let mut ledger = Ledger::default();
        (0..3).for_each(|_| ledger.accept(1));
        ledger.send(Sent::Publish(1));
        ledger.send(Sent::Other);
        ledger.send(Sent::Publish(1));
        ledger.lose(2);
        assert_eq!((ledger.settled(), ledger.take_lost(), ledger.take_lost()), (1, 1, 0));
        // The driver had not taken the third, and one is not sent yet: they go over the next connection.
        assert_eq!((ledger.unsettled(), ledger.has_unconfirmed()), ((2, 2), true));
        ledger.confirm(3);
        ledger.reject(1);
        assert_eq!((ledger.settled(), ledger.take_lost(), ledger.unsettled()), (3, 1, (0, 0)));
    }
}
