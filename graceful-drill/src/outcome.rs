//! What a run came to.

use std::time::Duration;

use crate::{Class, Counts, Latency, Sent, Use};

/// What the clients of a drill saw.
#[derive(Clone, Debug)]
#[must_use = "it says whether anything was lost"]
#[non_exhaustive]
pub struct Outcome {
    /// The service, as it was named.
    pub target: String,
    /// The groups, in the order in which they were added.
    pub groups: Vec<GroupOutcome>,
    /// All groups together.
    pub total: GroupOutcome,
    /// The first few losses of each group and class, one for each connection.
    pub first_losses: Vec<Loss>,
    /// From the begin of the run to the signal. `None` when there was none.
    pub signal: Option<Duration>,
    /// From the begin of the run to its end.
    pub took: Duration,
    /// How often a connection could not be made for want of a local port, or of room in the queue of a Unix socket. The
    /// client tried again, so this is no class of its own; when it is not zero, the load was less than it should have been.
    pub starved: u64,
}

/// What the clients of a group saw.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct GroupOutcome {
    /// Its name; `total` for all groups together.
    pub name: String,
    /// The name of its pattern; empty for all groups together.
    pub pattern: &'static str,
    /// How many clients there were.
    pub clients: usize,
    /// Every request and every attempt to connect, by class.
    pub counts: Counts,
    /// Their connections, by how they ended.
    pub connections: Connections,
    /// How the clients themselves ended.
    pub ends: Ends,
    /// The load before the signal.
    pub load: Load,
    /// What came after the signal.
    pub stop: Stop,
}

/// Connections that were made, and how each of them ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Connections {
    /// How many were made: the sum of all others.
    pub made: u64,
    /// The server said with an answer that it closes.
    pub announced: u64,
    /// The client closed after an answer.
    pub by_client: u64,
    /// The server closed while no request was outstanding. No loss.
    pub closed_idle: u64,
    /// They were open at the end of the run, without an outstanding request.
    pub held: u64,
    /// They ended with outstanding requests, which are counted by class.
    pub lost: u64,
    /// The server reset them while no request was outstanding. No loss.
    pub reset_idle: u64,
    /// The server sent something without being asked.
    pub unsolicited: u64,
}

/// How clients ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Ends {
    /// The deadline came: the server still served them, or held their connection.
    pub deadline: u64,
    /// They had nothing more to do.
    pub done: u64,
    /// They were refused after the signal.
    pub refused: u64,
}

/// The load before the signal.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct Load {
    /// How many requests were answered while the load was measured.
    pub answers: u64,
    /// How long that was: up to the last answer when all rounds were done earlier.
    pub took: Duration,
    /// How long these answers took.
    pub latency: Latency,
}

/// What came after the signal. All durations begin with it.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct Stop {
    /// How many requests were answered.
    pub answers: u64,
    /// How long these answers took.
    pub latency: Latency,
    /// When the last answer was complete.
    pub last_answer: Option<Duration>,
    /// When the first connection was refused.
    pub first_refusal: Option<Duration>,
}

/// One request that was lost.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Loss {
    /// The group of its client.
    pub group: String,
    /// The number of the client in its group, from 0.
    pub client: usize,
    /// What became of it.
    pub class: Class,
    /// When it was sent.
    pub sent: Sent,
    /// The connection it was sent on.
    pub on: Use,
    /// The client's port.
    pub local_port: Option<u16>,
    /// How much of the request was sent.
    pub bytes_sent: u64,
    /// How much of the answer came.
    pub bytes_received: u64,
    /// When the request, or the attempt to connect, began.
    pub began: Offset,
    /// When the client noticed the loss.
    pub noticed: Offset,
    /// What the system said, or what was wrong with the answer.
    pub error: Option<String>,
}

/// An instant, as seen from the signal; from the begin of the run when there was none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Offset {
    /// So long before the signal.
    Before(Duration),
    /// So long after the signal.
    After(Duration),
}

impl Outcome {
    /// The group with this name.
    #[must_use]
    pub fn group(&self, name: &str) -> Option<&GroupOutcome> {
        self.groups.iter().find(|group| group.name == name)
    }

    /// How many requests were lost: those that are neither answered, nor refused, nor forfeited by the client itself.
    #[must_use]
    pub fn losses(&self) -> u64 {
        self.total.counts.losses()
    }

    /// Nothing was lost.
    #[must_use]
    pub fn is_lossless(&self) -> bool {
        self.losses() == 0
    }

    /// How many requests and attempts there were of a class.
    #[must_use]
    pub fn count(&self, class: Class) -> u64 {
        self.total.counts.of(class)
    }
}

impl GroupOutcome {
    /// How many of its requests were lost.
    #[must_use]
    pub fn losses(&self) -> u64 {
        self.counts.losses()
    }

    /// How many requests and attempts there were of a class.
    #[must_use]
    pub fn count(&self, class: Class) -> u64 {
        self.counts.of(class)
    }
}

impl Load {
    /// Answers for each second.
    #[must_use]
    pub fn per_second(&self) -> f64 {
        let seconds = self.took.as_secs_f64();
        if seconds > 0.0 { self.answers as f64 / seconds } else { 0.0 }
    }
}

impl Connections {
    pub(crate) fn add(&mut self, other: &Self) {
        self.made += other.made;
        self.announced += other.announced;
        self.by_client += other.by_client;
        self.closed_idle += other.closed_idle;
        self.held += other.held;
        self.lost += other.lost;
        self.reset_idle += other.reset_idle;
        self.unsolicited += other.unsolicited;
    }
}

impl Ends {
    pub(crate) fn add(&mut self, other: &Self) {
        self.deadline += other.deadline;
        self.done += other.done;
        self.refused += other.refused;
    }
}
