//! What all clients of a run share.

use std::io;
use std::time::{Duration, Instant};

use mio::Registry;

use crate::answer::Memo;
use crate::plan::Group;
use crate::target::Place;
use crate::{Class, Sent, Use};

use super::tally::{Noted, Tally};
use super::timers::Timers;

/// The losses on so many connections of each group and class are told in detail.
const TOLD: u32 = 4;
/// How much is read at once.
const BUFFER: usize = 64 * 1024;

#[derive(Debug)]
pub(super) struct Course {
    pub(super) registry: Registry,
    pub(super) place: Place,
    pub(super) patience: Duration,
    pub(super) groups: Vec<Group>,
    pub(super) tallies: Vec<Tally>,
    /// The last answer of each group.
    pub(super) memos: Vec<Memo>,
    pub(super) noted: Vec<Noted>,
    pub(super) timers: Timers,
    /// Shared by all reads. Empty while a client reads.
    pub(super) buffer: Vec<u8>,
    /// Clients for which there is more to read.
    pub(super) unfinished: Vec<usize>,
    pub(super) stage: Stage,
    pub(super) signal: Option<Instant>,
    /// Clients that are on the way to where they have to be for the next stage.
    pub(super) taking_position: usize,
    /// Clients that have not ended.
    pub(super) alive: usize,
    /// Clients in closed loops that have not ended. `None` when there never were any.
    pub(super) looping: Option<usize>,
    pub(super) starved: u64,
    /// What keeps this process, not the server, from going on.
    pub(super) failure: Option<io::Error>,
}

/// Where a run is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stage {
    /// Connections are made; the loops wait.
    Opening,
    /// The load is measured.
    Load,
    /// The load goes on while others get into position.
    Approach,
    /// The signal was given.
    Stopping,
    /// Nothing new is sent.
    Settling,
}

impl Course {
    pub(super) fn new(registry: Registry, place: Place, patience: Duration, groups: Vec<Group>) -> Self {
        let in_loops = groups.iter().filter(|group| group.pattern.is_loop()).map(|group| group.clients).sum();
        Self {
            registry,
            place,
            patience,
            tallies: groups.iter().map(|_| Tally::default()).collect(),
            memos: groups.iter().map(|_| Memo::default()).collect(),
            alive: groups.iter().map(|group| group.clients).sum(),
            groups,
            noted: Vec::new(),
            timers: Timers::default(),
            buffer: vec![0; BUFFER],
            unfinished: Vec::new(),
            stage: Stage::Opening,
            signal: None,
            taking_position: 0,
            looping: (in_loops > 0).then_some(in_loops),
            starved: 0,
            failure: None,
        }
    }

    /// Counts an answer.
    #[inline]
    pub(super) fn answered(&mut self, group: usize, status: u16, sent: Sent, on: Use, began: Instant, now: Instant) {
        let tally = &mut self.tallies[group];
        tally.counts.add_answer(status, sent, on);
        tally.last_answer = Some(now);
        match self.stage {
            Stage::Load => tally.load.record(now - began),
            _ if self.signal.is_some() => tally.stop.record(now - began),
            _ => {}
        }
    }

    /// Counts what was not answered.
    pub(super) fn unanswered(&mut self, noted: &Noted) {
        let tally = &mut self.tallies[noted.group];
        tally.counts.add(noted.class, noted.sent, noted.on);
        if noted.class == Class::Refused && self.signal.is_some() {
            tally.first_refusal.get_or_insert(noted.noticed);
        }
    }

    /// Keeps a loss to be told in detail, if there are not enough like it already.
    pub(super) fn note(&mut self, noted: Noted) {
        let told = &mut self.tallies[noted.group].told[noted.class as usize];
        if noted.class.is_loss() && *told < TOLD {
            *told += 1;
            self.noted.push(noted);
        }
    }
}
