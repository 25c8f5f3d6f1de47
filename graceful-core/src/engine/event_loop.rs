//! An event loop: whoever leads it owns its reactor, and lets go of it while a session runs.
//!
//! A handler may block although it was thought quick. So the reactor is not in the hands of the thread that runs a session,
//! but in a slot that the sentry can reach: it gives the reactor to another thread, and the first one finds the slot empty
//! when its session comes back.

use std::cell::Cell;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::connection::Connection;
use super::core::Core;
use super::desk::Desk;
use super::protocol::{Ending, Next, Shared, Wake};
use super::reactor::{Errand, Reactor};
use super::registry::Activity;
use super::seats::Seat;
use super::turn::{Buffers, Place, Turn};
use crate::panics;

/// What the outside knows of a loop.
pub(super) struct Loop {
    slot: Mutex<Slot>,
    /// Odd while a session runs; counts the runs, so that a run is told from the next. Changed under the lock of `slot`.
    runs: AtomicU64,
    inbox: Mutex<Inbox>,
    /// There is a wake-up under way already.
    notified: AtomicBool,
    waker: Arc<mio::Waker>,
}

struct Slot {
    reactor: Option<Box<Reactor>>,
    /// The leader's.
    desk: Arc<Desk>,
}

#[derive(Default)]
struct Inbox {
    letters: Vec<Letter>,
    closed: bool,
}

/// What a loop is sent.
pub(super) enum Letter {
    /// A connection that another loop has accepted.
    Arrival(Connection, Shared),
    /// A session comes back from a worker, or from a thread that has lost the loop.
    Home { place: u32, seat: Option<Seat>, next: Next },
}

/// Which run it was that a reactor was put aside for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Run(u64);

/// How it came to an end with a loop.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Led {
    /// The loop is at its end.
    Ended,
    /// Another thread leads it now.
    Lost,
}

impl Loop {
    pub(super) fn new(waker: Arc<mio::Waker>) -> Self {
        Self {
            slot: Mutex::new(Slot { reactor: None, desk: Arc::new(Desk::new()) }),
            runs: AtomicU64::new(0),
            inbox: Mutex::default(),
            notified: AtomicBool::new(false),
            waker,
        }
    }

    pub(super) fn waker(&self) -> &Arc<mio::Waker> {
        &self.waker
    }

    pub(super) fn wake(&self) {
        // It can fail only if the loop is gone, and then nobody is left to be woken.
        drop(self.waker.wake());
    }

    pub(super) fn post(&self, letter: Letter) {
        let mut inbox = self.inbox.lock().unwrap_or_else(PoisonError::into_inner);
        if inbox.closed {
            drop(inbox);
            panics::drop_quietly(letter);
            return;
        }
        inbox.letters.push(letter);
        drop(inbox);
        if !self.notified.swap(true, Ordering::SeqCst) {
            self.wake();
        }
    }

    /// What has come since the last call.
    pub(super) fn letters(&self) -> Vec<Letter> {
        if !self.notified.swap(false, Ordering::SeqCst) {
            return Vec::new();
        }
        std::mem::take(&mut self.inbox.lock().unwrap_or_else(PoisonError::into_inner).letters)
    }

    /// Nothing is taken in any more.
    pub(super) fn close(&self) -> Vec<Letter> {
        let mut inbox = self.inbox.lock().unwrap_or_else(PoisonError::into_inner);
        inbox.closed = true;
        std::mem::take(&mut inbox.letters)
    }

    /// How many runs there were, twice; odd during one.
    pub(super) fn runs(&self) -> u64 {
        self.runs.load(Ordering::SeqCst)
    }

    /// The kernel's number of the thread that leads it.
    pub(super) fn leader(&self) -> u64 {
        self.slot().desk.serving().1
    }

    /// Takes the reactor away from a run that does not end, unless it has ended. The desk of its thread is shown to `tell`
    /// before that thread can find out.
    pub(super) fn seize(&self, runs: u64, tell: impl FnOnce(&Arc<Desk>)) -> Option<Box<Reactor>> {
        let mut slot = self.slot();
        if self.runs.load(Ordering::SeqCst) != runs {
            return None;
        }
        let reactor = slot.reactor.take()?;
        tell(&slot.desk);
        Some(reactor)
    }

    fn begin_to_lead(&self, desk: &Arc<Desk>) {
        let mut slot = self.slot();
        slot.desk = Arc::clone(desk);
        self.runs.store((self.runs.load(Ordering::SeqCst) | 1) + 1, Ordering::SeqCst);
    }

    fn put_aside(&self, reactor: Box<Reactor>) -> Run {
        let mut slot = self.slot();
        slot.reactor = Some(reactor);
        let run = self.runs.load(Ordering::Relaxed) + 1;
        self.runs.store(run, Ordering::Release);
        Run(run)
    }

    fn take_back(&self, Run(run): Run) -> Option<Box<Reactor>> {
        let mut slot = self.slot();
        // What is there now may be another run's.
        if self.runs.load(Ordering::Relaxed) != run {
            return None;
        }
        let reactor = slot.reactor.take()?;
        self.runs.store(run + 1, Ordering::Release);
        Some(reactor)
    }

    fn slot(&self) -> MutexGuard<'_, Slot> {
        // No user code runs under the lock.
        self.slot.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Leads a loop until it ends or is lost.
pub(super) fn lead(core: &Arc<Core>, this: &Arc<Loop>, mut reactor: Box<Reactor>, buffers: &mut Buffers) -> Led {
    let desk = Arc::new(Desk::new());
    this.begin_to_lead(&desk);
    let clock = Cell::new(reactor.now());
    loop {
        while let Some(Errand { place, wake }) = reactor.next_errand() {
            let Some(mut seat) = reactor.take(place, wake) else { continue };
            let (now, stage) = (reactor.now(), reactor.stage());
            desk.take_up(seat.connection.id());
            let run = this.put_aside(reactor);
            let turn = Turn {
                wake,
                place: Place::Loop,
                now,
                stage,
                desk: &desk,
                observer: &core.observer,
                crowd: &core.crowd,
                clock: &clock,
            };
            let next = seat.run(&turn, buffers);
            buffers.reset();
            // It may own what is the user's, and end badly: so this belongs to the run.
            let seat = seat.unless_closed(next);
            match this.take_back(run) {
                Some(mine) => reactor = mine,
                None => {
                    this.post(Letter::Home { place, seat, next });
                    core.crew.found_again(&desk);
                    return Led::Lost;
                }
            }
            reactor.settle(core, this, place, seat, next);
        }
        let burials = reactor.look(core, this);
        clock.set(reactor.now());
        if !burials.is_empty() {
            desk.take_up(0);
            let run = this.put_aside(reactor);
            burials.into_iter().for_each(panics::drop_quietly);
            match this.take_back(run) {
                Some(mine) => reactor = mine,
                None => {
                    core.crew.found_again(&desk);
                    return Led::Lost;
                }
            }
        }
        if reactor.is_over() {
            drop(reactor);
            return Led::Ended;
        }
    }
}

impl Seat {
    /// Runs the session; a panic in it, which should have caught its handler's, closes the connection.
    pub(super) fn run(&mut self, turn: &Turn<'_>, buffers: &mut Buffers) -> Next {
        let observer = turn.observer;
        let id = self.connection.id();
        match panics::catch(|| self.session.run(&self.connection, turn, buffers)) {
            Ok(next) => next,
            Err(message) => {
                observer.error("session panicked", [("connection", id.into()), ("panic", message.into())]);
                Next::Close(Ending::Failed)
            }
        }
    }

    /// Closes the connection if that is what comes next.
    pub(super) fn unless_closed(self, next: Next) -> Option<Self> {
        let Next::Close(ending) = next else { return Some(self) };
        let Self { session, connection, .. } = self;
        panics::drop_quietly(session);
        connection.close(match ending {
            Ending::Completed => Activity::Busy,
            Ending::Cut => Activity::Cut,
            Ending::Failed => Activity::Failed,
            Ending::Idle => Activity::Leaving,
        });
        None
    }
}

/// Why a session is run that is told of `closed` and `missed` events alike.
pub(super) const LOOK: Wake = Wake::Ready { hung_up: true };
