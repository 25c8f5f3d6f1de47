//! Who may have a connection and who has one. It knows no database: what is given out is the pool to ask.

use std::panic::Location;
use std::sync::{Arc, PoisonError};
use std::thread::{self, Thread};
use std::time::{Duration, Instant};

// For the model checker, which `RUSTFLAGS="--cfg graceful_shuttle" cargo test -p graceful-std --lib shuttle` runs.
#[cfg(graceful_shuttle)]
use ::shuttle::sync::{
    Condvar, Mutex, MutexGuard,
    atomic::{AtomicBool, Ordering},
};
#[cfg(not(graceful_shuttle))]
use std::sync::{
    Condvar, Mutex, MutexGuard,
    atomic::{AtomicBool, Ordering},
};

use super::holder::{Cancel, Holder};
use super::status::{PoolClosed, PoolState};
use super::{Canceller, PoolError};

/// The door of a pool: as many seats as it may have connections.
///
/// The lock of `state` is for the moment in which a seat is taken or given back; what is known of a sitter is under a lock of
/// its seat, which nobody else wants unless he closes or looks. Whoever has a seat's lock may not ask for the state's.
pub(super) struct Gate<P> {
    state: Mutex<State<P>>,
    seats: Box<[Mutex<Option<Sitter>>]>,
    /// `Phase::Open` of the state. Written under its lock, and before the seats are looked at.
    open: AtomicBool,
    /// A seat came free, or the pool closes: for those who wait for one.
    free: Condvar,
    /// Somebody left, or a closer is through: for those who close.
    left: Condvar,
}

struct State<P> {
    phase: Phase,
    /// Gone once the connections are to be closed.
    pool: Option<P>,
    empty: Vec<usize>,
    waiting: usize,
    /// Those of them who have been woken and are on their way: to wake one twice costs a system call.
    woken: usize,
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
            empty: (0..seats).rev().collect(),
            waiting: 0,
            woken: 0,
            tally: PoolClosed::default(),
            trouble: None,
        };
        let seats = (0..seats).map(|_| Mutex::default()).collect();
        Self {
            state: Mutex::new(state),
            seats,
            open: AtomicBool::new(true),
            free: Condvar::new(),
            left: Condvar::new(),
        }
    }

    /// Takes a seat, from `since` on and until `until` at the latest.
    pub(super) fn enter(
        &self,
        location: &'static Location<'static>,
        since: Instant,
        until: Instant,
    ) -> Result<(usize, P), Refused> {
        let thread = thread::current();
        let sitter = Sitter { thread, location, since, connection: None, cancel: Cancel::NotTried };
        let mut state = self.state();
        loop {
            let pool = match (&state.pool, state.phase) {
                (Some(pool), Phase::Open) => pool,
                _ => return Err(Refused::Closed),
            };
            if let Some(&place) = state.empty.last() {
                let pool = pool.clone();
                state.empty.pop();
                drop(state);
                *self.seat(place) = Some(sitter);
                return Ok((place, pool));
            }
            let now = Instant::now();
            if now >= until {
                drop(state);
                return Err(Refused::TimedOut(self.holders()));
            }
            state.waiting += 1;
            state = wait(&self.free, state, until - now);
            state.waiting -= 1;
            state.woken = state.woken.saturating_sub(1);
        }
    }

    /// Notes which connection its sitter got; an error when the pool closes by now.
    pub(super) fn seated(&self, place: usize, tag: Arc<Tag>) -> Result<(), Refused> {
        let mut seat = self.seat(place);
        // Either it is open still, and a closer that comes now has to wait for this lock, or it is not.
        if !self.is_open() {
            return Err(Refused::Closed);
        }
        if let Some(sitter) = &mut *seat {
            sitter.connection = Some(tag);
        }
        Ok(())
    }

    /// Gives a seat back, after the connection.
    pub(super) fn leave(&self, place: usize) {
        let mut state = self.state();
        // In the same moment as the phase is looked at: a closer counts it as out, or it is idle.
        let sitter = self.seat(place).take();
        state.empty.push(place);
        if state.phase == Phase::Open {
            let wake = state.waiting > state.woken;
            state.woken += usize::from(wake);
            drop(state);
            if wake {
                self.free.notify_one();
            }
        } else {
            if let Some(Sitter { connection: Some(_), cancel, .. }) = &sitter {
                match cancel {
                    Cancel::Hanging | Cancel::Ineffective => state.tally.cancelled += 1,
                    Cancel::Failed(_) | Cancel::NotTried => state.tally.returned += 1,
                }
            }
            drop(state);
            self.left.notify_all();
        }
        // The last to know a canceller drops it, which is user code: after the locks.
        drop(sitter);
    }

    pub(super) fn is_open(&self) -> bool {
        self.open.load(Ordering::SeqCst)
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
                    self.open.store(false, Ordering::SeqCst);
                    self.free.notify_all();
                    if let Some(pool) = &state.pool {
                        let has_one = |seat: &Mutex<Option<Sitter>>| {
                            lock(seat).as_ref().is_some_and(|sitter| sitter.connection.is_some())
                        };
                        let out = self.seats.iter().filter(|seat| has_one(seat)).count();
                        state.tally.idle = connections(pool).saturating_sub(out);
                    }
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
            if state.empty.len() == self.seats.len() {
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
        let seats = self.seats.iter().enumerate();
        seats
            .filter_map(|(place, seat)| {
                let mut seat = lock(seat);
                let sitter = seat.as_mut().filter(|sitter| sitter.cancel != Cancel::Hanging)?;
                let canceller = sitter.connection.as_ref()?.canceller.clone()?;
                sitter.cancel = Cancel::Hanging;
                Some((place, canceller))
            })
            .collect()
    }

    /// Notes what a canceller came to. Seats are not taken again once the pool closes, so it is the same sitter.
    pub(super) fn note_cancel(&self, place: usize, cancel: Cancel) {
        if let Some(sitter) = &mut *self.seat(place) {
            sitter.cancel = cancel;
        }
    }

    /// The end of a closer: everything is closed, or what went wrong is told with those who are still there.
    pub(super) fn end(&self) -> Result<PoolClosed, (PoolClosed, Vec<Holder>, Option<String>)> {
        let mut state = self.state();
        let out = self.seats.len() - state.empty.len();
        let mut trouble = state.trouble.take();
        state.phase = if out == 0 && trouble.is_none() { Phase::Closed } else { Phase::Left };
        let (phase, tally) = (state.phase, state.tally.clone());
        drop(state);
        self.left.notify_all();
        if phase == Phase::Closed {
            return Ok(tally);
        }
        let holders = self.holders();
        if holders.len() < out && trouble.is_none() {
            trouble = Some("one was coming back at that moment".to_owned());
        }
        Err((tally, holders, trouble))
    }

    /// How it stands, without the counts of the pool behind.
    pub(super) fn look(&self) -> (PoolState, PoolClosed, usize, Vec<Holder>) {
        let state = self.state();
        let shown = match state.phase {
            Phase::Open => PoolState::Open,
            Phase::Closing | Phase::Left => PoolState::Closing,
            Phase::Closed => PoolState::Closed,
        };
        let (tally, waiting) = (state.tally.clone(), state.waiting);
        drop(state);
        (shown, tally, waiting, self.holders())
    }

    fn holders(&self) -> Vec<Holder> {
        let now = Instant::now();
        let told = |seat: &Mutex<Option<Sitter>>| lock(seat).as_ref().map(|sitter| sitter.tell(now));
        let mut holders: Vec<_> = self.seats.iter().filter_map(told).collect();
        holders.sort_by_key(|holder| holder.since);
        holders
    }

    fn seat(&self, place: usize) -> MutexGuard<'_, Option<Sitter>> {
        lock(&self.seats[place])
    }

    fn state(&self) -> MutexGuard<'_, State<P>> {
        lock(&self.state)
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

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn wait<'a, S>(condvar: &Condvar, guard: MutexGuard<'a, S>, time: Duration) -> MutexGuard<'a, S> {
    condvar.wait_timeout(guard, time).unwrap_or_else(PoisonError::into_inner).0
}

#[cfg(all(test, graceful_shuttle))]
mod tests {
    use std::sync::atomic::AtomicUsize;

    use ::shuttle::thread;

    use super::*;

    /// The model checker knows no time: who is not woken hangs, and it tells.
    const EVER: Duration = Duration::from_secs(3600);

    fn take(gate: &Gate<()>, out: &AtomicUsize, seats: usize) -> Result<(), Refused> {
        let now = Instant::now();
        let (place, ()) = gate.enter(Location::caller(), now, now + EVER)?;
        assert!(out.fetch_add(1, Ordering::SeqCst) < seats);
        thread::yield_now();
        let seated = gate.seated(place, Arc::new(Tag { number: 1, canceller: None }));
        thread::yield_now();
        out.fetch_sub(1, Ordering::SeqCst);
        gate.leave(place);
        seated
    }

    #[test]
    fn shuttle_everybody_who_waits_is_woken() {
        let body = || {
            let (gate, out) = (Arc::new(Gate::new((), 2)), Arc::new(AtomicUsize::new(0)));
            let threads = (0..4).map(|_| {
                let (gate, out) = (Arc::clone(&gate), Arc::clone(&out));
                thread::spawn(move || (0..2).for_each(|_| assert!(take(&gate, &out, 2).is_ok())))
            });
            threads.collect::<Vec<_>>().into_iter().for_each(|thread| thread.join().expect("no panic"));
        };
        ::shuttle::check_random(body, 2000);
    }

    #[test]
    fn shuttle_each_connection_is_counted_once_when_it_closes() {
        let body = || {
            let (gate, out) = (Arc::new(Gate::new((), 1)), Arc::new(AtomicUsize::new(0)));
            let threads = (0..2).map(|_| {
                let (gate, out) = (Arc::clone(&gate), Arc::clone(&out));
                thread::spawn(move || while take(&gate, &out, 1).is_ok() {})
            });
            let closers = (0..2).map(|_| {
                let gate = Arc::clone(&gate);
                thread::spawn(move || match gate.begin_to_close(Instant::now() + EVER, |()| 1) {
                    Begun::Closed(closed) => closed,
                    Begun::Elsewhere => panic!("there is time"),
                    Begun::Ours => {
                        assert!(gate.wait_for_all(Instant::now() + EVER));
                        gate.end().unwrap_or_else(|(_, holders, trouble)| panic!("{holders:?} {trouble:?}"))
                    }
                })
            });
            let (threads, closers) = (threads.collect::<Vec<_>>(), closers.collect::<Vec<_>>());
            threads.into_iter().for_each(|thread| thread.join().expect("no panic"));
            let closed: Vec<_> = closers.into_iter().map(|closer| closer.join().expect("no panic")).collect();
            assert_eq!(closed[0], closed[1]);
            assert_eq!(closed[0].idle + closed[0].returned, 1, "{:?}", closed[0]);
        };
        ::shuttle::check_random(body, 5000);
    }
}
