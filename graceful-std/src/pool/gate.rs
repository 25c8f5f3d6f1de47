//! Who may have a connection and who has one. It knows no database: what is given out is the pool to ask.

use std::panic::Location;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, Thread};
use std::time::{Duration, Instant};

use super::holder::{Cancel, Holder};
use super::status::{PoolClosed, PoolState};
use super::{Canceller, PoolError};

/// The door of a pool: as many seats as it may have connections.
pub(super) struct Gate<P> {
    state: Mutex<State<P>>,
    /// A seat came free, or the pool closes: for those who wait for one.
    free: Condvar,
    /// Somebody left, or a closer is through: for those who close.
    left: Condvar,
}

struct State<P> {
    phase: Phase,
    /// Gone once the connections are to be closed.
    pool: Option<P>,
    seats: Vec<Option<Sitter>>,
    empty: Vec<usize>,
    waiting: usize,
    /// What the closing came to so far.
    tally: PoolClosed,
    /// Why the connections could not be closed.
    trouble: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    Open,
    Closing,
    /// A closer has given up on some; the next one tries again.
    Left,
    Closed,
}

struct Sitter {
    thread: Thread,
    location: &'static Location<'static>,
    since: Instant,
    /// `None` while it still waits for its connection.
    connection: Option<Arc<Tag>>,
    cancel: Cancel,
}

/// What is known of a connection for as long as it lives.
pub(super) struct Tag {
    pub(super) number: u64,
    pub(super) canceller: Option<Canceller>,
}

/// Why nobody gets in.
pub(super) enum Refused {
    Closed,
    TimedOut(Vec<Holder>),
}

/// What a closer finds.
pub(super) enum Begun {
    Closed(PoolClosed),
    /// Somebody else closes and was not through by the deadline.
    Elsewhere,
    Ours,
}

impl<P: Clone> Gate<P> {
    pub(super) fn new(pool: P, seats: usize) -> Self {
        let state = State {
            phase: Phase::Open,
            pool: Some(pool),
            seats: (0..seats).map(|_| None).collect(),
            empty: (0..seats).rev().collect(),
            waiting: 0,
            tally: PoolClosed::default(),
            trouble: None,
        };
        Self { state: Mutex::new(state), free: Condvar::new(), left: Condvar::new() }
    }

    /// Takes a seat, from `since` on and until `until` at the latest.
    pub(super) fn enter(
        &self,
        location: &'static Location<'static>,
        since: Instant,
        until: Instant,
    ) -> Result<(usize, P), Refused> {
        let mut state = self.state();
        loop {
            let pool = match (&state.pool, state.phase) {
                (Some(pool), Phase::Open) => pool,
                _ => return Err(Refused::Closed),
            };
            if let Some(&place) = state.empty.last() {
                let pool = pool.clone();
                state.empty.pop();
                let thread = thread::current();
                state.seats[place] =
                    Some(Sitter { thread, location, since, connection: None, cancel: Cancel::NotTried });
                return Ok((place, pool));
            }
            let now = Instant::now();
            if now >= until {
                return Err(Refused::TimedOut(state.holders(now)));
            }
            state.waiting += 1;
            state = wait(&self.free, state, until - now);
            state.waiting -= 1;
        }
    }

    /// Notes which connection its sitter got; an error when the pool closes by now.
    pub(super) fn seated(&self, place: usize, tag: Arc<Tag>) -> Result<(), Refused> {
        let mut state = self.state();
        if state.phase != Phase::Open {
            return Err(Refused::Closed);
        }
        if let Some(sitter) = &mut state.seats[place] {
            sitter.connection = Some(tag);
        }
        Ok(())
    }

    /// Gives a seat back, after the connection.
    pub(super) fn leave(&self, place: usize) {
        let mut state = self.state();
        let sitter = state.seats[place].take();
        state.empty.push(place);
        if state.phase == Phase::Open {
            if state.waiting > 0 {
                self.free.notify_one();
            }
        } else {
            if let Some(Sitter { connection: Some(_), cancel, .. }) = &sitter {
                match cancel {
                    Cancel::Hanging | Cancel::Ineffective => state.tally.cancelled += 1,
                    Cancel::Failed(_) | Cancel::NotTried => state.tally.returned += 1,
                }
            }
            self.left.notify_all();
        }
        drop(state);
        // The last to know a canceller drops it, which is user code: not under the lock.
        drop(sitter);
    }

    pub(super) fn is_open(&self) -> bool {
        self.state().phase == Phase::Open
    }

    /// Refuses everybody from now on. Waits for another closer, as long as it may. `connections` asks the pool how many there
    /// are: those that nobody has at this moment are the idle ones. Asking for the idle ones would count one that is just
    /// being given back twice.
    pub(super) fn begin_to_close(&self, until: Instant, connections: impl Fn(&P) -> usize) -> Begun {
        let mut state = self.state();
        loop {
            match state.phase {
                Phase::Closed => return Begun::Closed(state.tally.clone()),
                Phase::Open | Phase::Left => {
                    state.phase = Phase::Closing;
                    if let Some(pool) = &state.pool {
                        state.tally.idle = connections(pool).saturating_sub(state.with_connection());
                    }
                    self.free.notify_all();
                    return Begun::Ours;
                }
                Phase::Closing => {}
            }
            let now = Instant::now();
            if now >= until {
                return Begun::Elsewhere;
            }
            state = wait(&self.left, state, until - now);
        }
    }

    /// The pool to ask, as long as it is there.
    pub(super) fn pool(&self) -> Option<P> {
        self.state().pool.clone()
    }

    /// Takes the pool away, to close its connections.
    pub(super) fn take_pool(&self) -> Option<P> {
        self.state().pool.take()
    }

    pub(super) fn note_trouble(&self, trouble: String) {
        self.state().trouble = Some(trouble);
    }

    /// Waits for every seat to be empty; whether they are.
    pub(super) fn wait_for_all(&self, until: Instant) -> bool {
        let mut state = self.state();
        loop {
            if state.is_empty() {
                return true;
            }
            let now = Instant::now();
            if now >= until {
                return false;
            }
            state = wait(&self.left, state, until - now);
        }
    }

    /// Those who are to be cancelled now: everybody who is at something and whose canceller does not run already.
    pub(super) fn to_cancel(&self) -> Vec<(usize, Canceller)> {
        let mut state = self.state();
        let sitters = state.seats.iter_mut().enumerate();
        sitters
            .filter_map(|(place, sitter)| {
                let sitter = sitter.as_mut().filter(|sitter| sitter.cancel != Cancel::Hanging)?;
                let canceller = sitter.connection.as_ref()?.canceller.clone()?;
                sitter.cancel = Cancel::Hanging;
                Some((place, canceller))
            })
            .collect()
    }

    /// Notes what a canceller came to. Seats are not taken again once the pool closes, so it is the same sitter.
    pub(super) fn note_cancel(&self, place: usize, cancel: Cancel) {
        if let Some(sitter) = &mut self.state().seats[place] {
            sitter.cancel = cancel;
        }
    }

    /// The end of a closer: those who are still there, and what went wrong.
    pub(super) fn end(&self) -> (PoolClosed, Vec<Holder>, Option<String>) {
        let mut state = self.state();
        state.phase = if state.is_empty() && state.trouble.is_none() { Phase::Closed } else { Phase::Left };
        self.left.notify_all();
        (state.tally.clone(), state.holders(Instant::now()), state.trouble.take())
    }

    /// How it stands, without the counts of the pool behind.
    pub(super) fn look(&self) -> (PoolState, PoolClosed, usize, Vec<Holder>) {
        let state = self.state();
        let shown = match state.phase {
            Phase::Open => PoolState::Open,
            Phase::Closing | Phase::Left => PoolState::Closing,
            Phase::Closed => PoolState::Closed,
        };
        (shown, state.tally.clone(), state.waiting, state.holders(Instant::now()))
    }

    fn state(&self) -> MutexGuard<'_, State<P>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<P> State<P> {
    fn is_empty(&self) -> bool {
        self.empty.len() == self.seats.len()
    }

    fn with_connection(&self) -> usize {
        self.seats.iter().flatten().filter(|sitter| sitter.connection.is_some()).count()
    }

    fn holders(&self, now: Instant) -> Vec<Holder> {
        let mut holders: Vec<_> = self.seats.iter().flatten().map(|sitter| sitter.tell(now)).collect();
        holders.sort_by_key(|holder| holder.since);
        holders
    }
}

impl Sitter {
    fn tell(&self, now: Instant) -> Holder {
        let name = self.thread.name();
        Holder {
            thread: name.map_or_else(|| format!("{:?}", self.thread.id()), str::to_owned),
            location: self.location,
            since: self.since,
            held: now.saturating_duration_since(self.since),
            connection: self.connection.as_ref().map(|tag| tag.number),
            cancel: self.cancel.clone(),
        }
    }
}

impl Refused {
    pub(super) fn into_error(self, name: &str, waited: Duration) -> PoolError {
        match self {
            Self::Closed => PoolError::Closed { name: name.to_owned() },
            Self::TimedOut(holders) => PoolError::TimedOut { name: name.to_owned(), waited, holders },
        }
    }
}

fn wait<'a, S>(condvar: &Condvar, guard: MutexGuard<'a, S>, time: Duration) -> MutexGuard<'a, S> {
    condvar.wait_timeout(guard, time).unwrap_or_else(PoisonError::into_inner).0
}
