//! An event loop: whoever leads it owns its reactor, and lets go of it while a session runs.
//!
//! A handler may block although it was thought quick. So the reactor is not in the hands of the thread that runs a session,
//! but in a slot that the sentry can reach: it gives the reactor to another thread, and the first one finds the slot empty
//! when its session comes back.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use super::bell::Home;
use super::connection::Connection;
use super::core::Core;
use super::desk::Desk;
use super::protocol::{Ending, Next, Shared, Wake};
use super::reactor::{Errand, Reactor};
use super::registry::Activity;
use super::seats::Seat;
use super::slot::Slot;
use super::turn::{Buffers, Place, Timing, Turn};
use crate::{clock, panics};

/// What the outside knows of a loop.
pub(super) struct Loop {
    pub(super) slot: Slot<Box<Reactor>, Arc<Desk>>,
    /// Its leader does not wait for events.
    awake: AtomicBool,
    /// When the sentry is to wake it for its timers: a poll without a timeout is half a microsecond faster.
    alarm: Mutex<Option<Instant>>,
    inbox: Mutex<Inbox>,
    /// There is a wake-up under way already.
    notified: AtomicBool,
    waker: Arc<mio::Waker>,
}

#[derive(Default)]
struct Inbox {
    letters: Vec<Letter>,
    /// Sessions that somebody has called: their places and connections.
    calls: Vec<(u32, u64)>,
    closed: bool,
}

/// What has come for a loop.
#[derive(Default)]
pub(super) struct Mail {
    pub(super) letters: Vec<Letter>,
    pub(super) calls: Vec<(u32, u64)>,
}

/// What a loop is sent.
pub(super) enum Letter {
    /// A connection that another loop has accepted.
    Arrival(Connection, Shared),
    /// A session comes back from a worker, or from a thread that has lost the loop.
    Home { place: u32, seat: Option<Seat>, next: Next },
}

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
            slot: Slot::new(Arc::new(Desk::new())),
            awake: AtomicBool::new(false),
            alarm: Mutex::new(None),
            inbox: Mutex::default(),
            notified: AtomicBool::new(false),
            waker,
        }
    }

    pub(super) fn waker(&self) -> &Arc<mio::Waker> {
        &self.waker
    }

    // Not inlined: it is called in many places, and an error takes some dropping.
    #[inline(never)]
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
        self.notify();
    }

    /// Has the session of a connection run.
    pub(super) fn ring_for(&self, place: u32, connection: u64) {
        let mut inbox = self.inbox.lock().unwrap_or_else(PoisonError::into_inner);
        if inbox.closed {
            return;
        }
        inbox.calls.push((place, connection));
        drop(inbox);
        self.notify();
    }

    fn notify(&self) {
        if !self.notified.swap(true, Ordering::SeqCst) {
            self.wake();
        }
    }

    /// What has come since the last call.
    pub(super) fn mail(&self) -> Mail {
        if !self.notified.swap(false, Ordering::SeqCst) {
            return Mail::default();
        }
        let mut inbox = self.inbox.lock().unwrap_or_else(PoisonError::into_inner);
        Mail { letters: std::mem::take(&mut inbox.letters), calls: std::mem::take(&mut inbox.calls) }
    }

    /// Nothing is taken in any more.
    pub(super) fn close(&self) -> Vec<Letter> {
        let mut inbox = self.inbox.lock().unwrap_or_else(PoisonError::into_inner);
        inbox.closed = true;
        inbox.calls = Vec::new();
        std::mem::take(&mut inbox.letters)
    }

    /// Before events are waited for, and after.
    pub(super) fn set_awake(&self, awake: bool) {
        // Together with `Sentry::stay_awake`: one of the two sees what the other has stored.
        self.awake.store(awake, Ordering::SeqCst);
    }

    pub(super) fn is_awake(&self) -> bool {
        self.awake.load(Ordering::SeqCst)
    }

    /// Has the sentry wake the loop then, and no longer at another time. Called by the leader before it waits.
    pub(super) fn set_alarm(&self, at: Option<Instant>) {
        *self.alarm.lock().unwrap_or_else(PoisonError::into_inner) = at;
    }

    /// Wakes the loop if it is time.
    pub(super) fn ring(&self, now: Instant) {
        let due = self.alarm.lock().unwrap_or_else(PoisonError::into_inner).take_if(|alarm| *alarm <= now);
        if due.is_some() {
            self.wake();
        }
    }

    /// When the loop is to be woken for its timers.
    pub(super) fn alarm(&self) -> Option<Instant> {
        *self.alarm.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Leads a loop until it ends or is lost.
pub(super) fn lead(core: &Arc<Core>, this: &Arc<Loop>, mut reactor: Box<Reactor>, buffers: &mut Buffers) -> Led {
    let desk = Arc::new(Desk::new());
    this.slot.begin_to_lead(Arc::clone(&desk));
    // Not when the loop last woke up: what held up its leader before is not this one's.
    let timing = Timing::new(clock::now());
    loop {
        while let Some(Errand { place, wake }) = reactor.next_errand(core) {
            let Some(mut seat) = reactor.take(place, wake) else { continue };
            let now = reactor.now();
            desk.take_up(seat.connection.id());
            let run = this.slot.put_aside(reactor);
            let turn = Turn {
                wake,
                place: Place::Loop,
                now,
                desk: &desk,
                observer: &core.observer,
                crowd: &core.crowd,
                timing: &timing,
                home: Home::Loop(this, place),
            };
            let next = seat.run(&turn, buffers);
            buffers.reset();
            // It may own what is the user's, and end badly: so this belongs to the run.
            let seat = seat.unless_closed(next);
            match this.slot.take_back(run) {
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
        timing.set(reactor.now());
        if !burials.is_empty() {
            desk.take_up(0);
            let run = this.slot.put_aside(reactor);
            burials.into_iter().for_each(panics::drop_quietly);
            timing.set(clock::now());
            match this.slot.take_back(run) {
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
        let succeeding = Turn { wake: LOOK, ..*turn };
        let mut turn = turn;
        loop {
            match panics::catch(|| match self.session.run(&self.connection, turn, buffers) {
                Next::Become => Err(self.session.successor(&self.connection)),
                next => Ok(next),
            }) {
                Ok(Ok(next)) => return next,
                Ok(Err(Some(successor))) => {
                    panics::drop_quietly(std::mem::replace(&mut self.session, successor));
                    buffers.output.clear();
                    turn = &succeeding;
                }
                // It broke its word.
                Ok(Err(None)) => return Next::Close(Ending::Failed),
                Err(message) => {
                    observer.error("session panicked", [("connection", id.into()), ("panic", message.into())]);
                    return Next::Close(Ending::Failed);
                }
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
