//! What is counted for a group, and what becomes of it in the outcome.

use std::time::{Duration, Instant};

use crate::latency::Histogram;
use crate::plan::Group;
use crate::{Class, Connections, Counts, Ends, GroupOutcome, Load, Sent, Stop, Use};

#[derive(Debug, Default)]
pub(super) struct Tally {
    pub(super) counts: Counts,
    pub(super) connections: Connections,
    pub(super) ends: Ends,
    /// How long the answers took that came while the load was measured.
    pub(super) load: Histogram,
    /// How long those took that came after the signal.
    pub(super) stop: Histogram,
    /// Losses of each class that are told in detail.
    pub(super) told: [u32; Class::ALL.len()],
    pub(super) last_answer: Option<Instant>,
    pub(super) first_refusal: Option<Instant>,
}

/// A loss, before it is known where the signal was.
#[derive(Debug)]
pub(super) struct Noted {
    pub(super) group: usize,
    pub(super) client: usize,
    pub(super) class: Class,
    pub(super) sent: Sent,
    pub(super) on: Use,
    pub(super) local_port: Option<u16>,
    pub(super) bytes_sent: u64,
    pub(super) bytes_received: u64,
    pub(super) began: Instant,
    pub(super) noticed: Instant,
    pub(super) error: Option<String>,
}

/// The instants of a run that its outcome is told by.
#[derive(Clone, Copy, Debug)]
pub(super) struct Instants {
    pub(super) load_began: Instant,
    pub(super) load_ended: Instant,
    pub(super) signal: Option<Instant>,
}

impl Tally {
    pub(super) fn outcome(&self, group: &Group, instants: Instants) -> GroupOutcome {
        let all_done = group.rounds < u64::MAX && self.ends.done == group.clients as u64;
        let ended = match self.last_answer {
            // All rounds were done before the end of the load.
            Some(last) if all_done => last.min(instants.load_ended),
            _ => instants.load_ended,
        };
        let since_signal = |instant: Option<Instant>| Some(instant?.saturating_duration_since(instants.signal?));
        let last_answer = self.last_answer.filter(|last| instants.signal.is_some_and(|signal| *last >= signal));
        GroupOutcome {
            name: group.name.clone(),
            pattern: group.pattern.name(),
            clients: group.clients,
            counts: self.counts.clone(),
            connections: self.connections,
            ends: self.ends,
            load: Load {
                answers: self.load.count(),
                took: ended.saturating_duration_since(instants.load_began),
                latency: self.load.latency(),
            },
            stop: Stop {
                answers: self.stop.count(),
                latency: self.stop.latency(),
                last_answer: since_signal(last_answer),
                first_refusal: since_signal(self.first_refusal),
            },
        }
    }
}

/// The sum of all groups.
pub(super) fn total(tallies: &[Tally], groups: &[GroupOutcome]) -> GroupOutcome {
    let mut total = GroupOutcome { name: "total".to_owned(), ..GroupOutcome::default() };
    let (mut load, mut stop) = (Histogram::default(), Histogram::default());
    for (tally, group) in tallies.iter().zip(groups) {
        total.clients += group.clients;
        total.counts += &group.counts;
        total.connections.add(&group.connections);
        total.ends.add(&group.ends);
        load.merge(&tally.load);
        stop.merge(&tally.stop);
    }
    let took = groups.iter().map(|group| group.load.took).max().unwrap_or(Duration::ZERO);
    total.load = Load { answers: load.count(), took, latency: load.latency() };
    total.stop = Stop {
        answers: stop.count(),
        latency: stop.latency(),
        last_answer: groups.iter().filter_map(|group| group.stop.last_answer).max(),
        first_refusal: groups.iter().filter_map(|group| group.stop.first_refusal).min(),
    };
    total
}
