//! All connections there are, and what became of those that were.
//!
//! One lock guards the table and the counts, so the counts are exact at any instant and what a connection came to is
//! decided once, whoever comes first: the handler that ends or the deadline that cuts.

use std::fmt;
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Instant;

use super::counts::{ConnectionCounts, ConnectionStates};
use super::endpoint::PeerAddress;
use super::hold::Held;
use super::stream::Stream;
use crate::sync::lock;

/// What a connection came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    ClosedIdle,
    Completed,
    Cut,
    Failed,
    HandedOver,
    Refused,
}

/// What a connection is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Activity {
    /// A handler works on it.
    Busy,
    /// Waits for the next request.
    Idle,
    /// Was told to stop while it was idle, and nothing has come since.
    Leaving,
    /// A handler works on a request that came when the drain had begun: there will be no other.
    LastRequest,
    /// Waits for a worker.
    Queued,
    /// Its session panicked; it is about to be closed.
    Failed,
    /// Its session gave it up because the service stops; it is about to be closed.
    Cut,
}

/// How a connection comes in.
pub(super) struct Arrival {
    pub(super) stream: Stream,
    pub(super) peer: PeerAddress,
    pub(super) since: Instant,
    pub(super) activity: Activity,
}

/// A connection, as its handler and the table share it. The socket closes with the last of the two, and only then does it
/// stop to hold the drain open: fields are dropped in this order.
pub(super) struct Conn {
    pub(super) stream: Stream,
    pub(super) held: Held,
    pub(super) peer: PeerAddress,
    pub(super) id: u64,
    pub(super) since: Instant,
    index: u32,
    activity: AtomicU8,
}

/// The drain was over when the connection came.
pub(super) struct TooLate;

/// As many connections are looked at under one lock.
const AT_A_TIME: usize = 256;

pub(super) struct Registry {
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    slots: Vec<Option<Slot>>,
    free: Vec<u32>,
    last_id: u64,
    /// Without `still_open`, which is what the table holds.
    counts: ConnectionCounts,
    /// Connections that were cut and whose handlers have not come back.
    lingering: usize,
    /// The deadline has passed: whatever comes now is too late.
    closed: bool,
}

struct Slot {
    conn: Arc<Conn>,
    cut: bool,
}

impl fmt::Display for Activity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Busy | Self::LastRequest => "busy",
            Self::Idle => "idle",
            Self::Leaving => "leaving",
            Self::Queued => "queued",
            Self::Failed => "failed",
            Self::Cut => "cut",
        })
    }
}

impl Conn {
    pub(super) fn activity(&self) -> Activity {
        match self.activity.load(Ordering::Relaxed) {
            0 => Activity::Busy,
            1 => Activity::Idle,
            2 => Activity::Leaving,
            3 => Activity::LastRequest,
            4 => Activity::Queued,
            5 => Activity::Failed,
            _ => Activity::Cut,
        }
    }

    /// Only the handler's side calls this; everybody else just looks, and may see it a moment late.
    pub(super) fn set_activity(&self, activity: Activity) {
        self.activity.store(activity as u8, Ordering::Relaxed);
    }
}

impl Registry {
    pub(super) fn new() -> Self {
        Self { state: Mutex::default() }
    }

    /// Takes a connection into the table. `Err` once the deadline has passed.
    pub(super) fn add(&self, arrival: Arrival, held: Held) -> Result<Arc<Conn>, TooLate> {
        let mut state = self.lock();
        if state.closed {
            return Err(TooLate);
        }
        state.counts.accepted += 1;
        state.last_id += 1;
        let id = state.last_id;
        let index = state.free.pop().unwrap_or_else(|| {
            state.slots.push(None);
            // Sixteen million times the descriptors that a process can have.
            (state.slots.len() - 1) as u32
        });
        let Arrival { stream, peer, since, activity } = arrival;
        let activity = AtomicU8::new(activity as u8);
        let conn = Arc::new(Conn { stream, held, peer, id, since, index, activity });
        state.slots[index as usize] = Some(Slot { conn: Arc::clone(&conn), cut: false });
        Ok(conn)
    }

    /// Counts a connection that was accepted too late to be added.
    pub(super) fn refuse(&self) {
        let mut state = self.lock();
        state.counts.accepted += 1;
        state.counts.refused += 1;
    }

    /// Takes a connection out of the table and counts it, unless that happened before: `true` if this was its outcome.
    pub(super) fn remove(&self, conn: &Arc<Conn>, outcome: Outcome) -> bool {
        let mut state = self.lock();
        let place = conn.index as usize;
        let slot = match state.slots.get_mut(place) {
            // After a hand-over the place may belong to another connection by now.
            Some(slot) => slot.take_if(|slot| Arc::ptr_eq(&slot.conn, conn)),
            None => None,
        };
        let Some(Slot { cut, .. }) = slot else { return false };
        state.free.push(conn.index);
        if cut {
            state.lingering -= 1;
            return false;
        }
        let counts = &mut state.counts;
        match outcome {
            Outcome::ClosedIdle => counts.closed_idle += 1,
            Outcome::Completed => counts.completed += 1,
            Outcome::Cut => counts.cut += 1,
            Outcome::Failed => counts.failed += 1,
            Outcome::HandedOver => counts.handed_over += 1,
            Outcome::Refused => counts.refused += 1,
        }
        true
    }

    /// Counts everything open as cut and lets nothing in any more. The sockets are left to the caller, since shutting them
    /// down takes longer than the lock should be held.
    pub(super) fn cut(&self) -> Vec<Arc<Conn>> {
        let mut state = self.lock();
        state.closed = true;
        let open: Vec<_> = state
            .slots
            .iter_mut()
            .flatten()
            .filter(|slot| !slot.cut)
            .map(|slot| {
                slot.cut = true;
                Arc::clone(&slot.conn)
            })
            .collect();
        state.lingering += open.len();
        state.counts.cut += open.len() as u64;
        open
    }

    /// Whether the deadline has passed, and everything that was open with it.
    pub(super) fn is_cut(&self) -> bool {
        self.lock().closed
    }

    #[inline(never)]
    pub(super) fn counts(&self) -> ConnectionCounts {
        let state = self.lock();
        let here = state.slots.len() - state.free.len();
        ConnectionCounts { still_open: (here - state.lingering) as u64, ..state.counts }
    }

    /// What those that are open are doing. The table is locked for a few of them at a time: whoever accepts must not wait.
    pub(super) fn states(&self) -> ConnectionStates {
        let mut states = ConnectionStates::default();
        let mut from = 0;
        loop {
            let state = self.lock();
            let Some(slots) = state.slots.get(from..).filter(|slots| !slots.is_empty()) else { return states };
            let few = slots.len().min(AT_A_TIME);
            for slot in slots[..few].iter().flatten().filter(|slot| !slot.cut) {
                match slot.conn.activity() {
                    Activity::Busy | Activity::LastRequest => states.busy += 1,
                    Activity::Idle => states.idle += 1,
                    Activity::Leaving | Activity::Failed | Activity::Cut => states.leaving += 1,
                    Activity::Queued => states.queued += 1,
                }
            }
            from += few;
        }
    }

    /// Shows each connection that is still here to `look`, cut or not. The table is locked meanwhile.
    pub(super) fn each(&self, mut look: impl FnMut(&Conn)) {
        for slot in self.lock().slots.iter().flatten() {
            look(&slot.conn);
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // No user code runs under the lock, and the state is whole between any two statements that can panic.
        lock(&self.state)
    }
}
