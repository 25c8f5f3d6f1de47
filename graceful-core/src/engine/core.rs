//! What the engine's threads and connections share.

use std::io;
#[cfg(unix)]
use std::io::PipeReader;
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use mio::Token;

use super::counters::Groups;
use super::crew::Crew;
use super::door::Door;
use super::entrance::Burial;
use super::event_loop::Loop;
use super::hold::Hold;
use super::listener::Listener;
use super::pace::Pace;
use super::pool::Pool;
use super::reactor::WAKER;
use super::registry::Registry;
use super::sentry::Sentry;
use super::turn::Crowd;
use super::{EngineEvent, Limits};
use crate::observe::Observer;
use crate::runtime::stop::{Stage, Stop, Stops};
use crate::runtime::tickets::Tickets;

pub(super) struct Core {
    pub(super) observer: Observer,
    pub(super) limits: Limits,
    pub(super) registry: Registry,
    pub(super) pool: Pool,
    pub(super) crew: Crew,
    pub(super) sentry: Sentry,
    pub(super) crowd: Crowd,
    pub(super) counters: Groups,
    pub(super) hold: Hold,
    /// The token of every connection.
    pub(super) stop: Stop,
    pub(super) events: Box<dyn Fn(EngineEvent) + Send + Sync>,
    control: Mutex<Control>,
    /// There is something new in `control`.
    news: AtomicBool,
    /// Changes under the lock of `control`.
    phase: AtomicU8,
    /// The loop with the listeners, once there is one.
    first: OnceLock<Arc<Loop>>,
    /// All loops, the first one too, once there is a protocol for them.
    loops: OnceLock<Vec<Arc<Loop>>>,
    /// The loop that gets the next connection.
    turn: AtomicUsize,
    #[cfg(unix)]
    bells: [OnceLock<Arc<PipeReader>>; 3],
}

/// What the outside tells the first loop, followed by a wake-up, and what it tells the outside.
#[derive(Default)]
pub(super) struct Control {
    /// Of the poll of the first loop.
    pub(super) registry: Option<mio::Registry>,
    pub(super) new_doors: Vec<Door>,
    /// Those that are open.
    pub(super) listeners: Vec<Arc<Listener>>,
    listeners_so_far: usize,
    /// What is to be dropped where it may take its time.
    pub(super) abandoned: Vec<Burial>,
    /// Those of all protocols so far. Not the protocols: they own what is the user's.
    pub(super) paces: Vec<Arc<[Pace]>>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Phase {
    #[default]
    Open,
    /// Listeners accept what is there and close.
    Stopping,
    /// What is not closed by now is closed at once.
    Closing,
    /// The loop ends.
    Ended,
}

impl Control {
    pub(super) fn next_token(&mut self) -> Token {
        self.listeners_so_far += 1;
        Token(WAKER.0 - self.listeners_so_far)
    }
}

impl Core {
    pub(super) fn new(
        stops: Arc<Stops>,
        tickets: Arc<Tickets>,
        observer: Observer,
        limits: Limits,
        events: Box<dyn Fn(EngineEvent) + Send + Sync>,
    ) -> Arc<Self> {
        Arc::new(Self {
            observer,
            limits,
            registry: Registry::new(),
            pool: Pool::new(limits),
            crew: Crew::new(),
            sentry: Sentry::new(),
            crowd: Crowd::default(),
            counters: Groups::default(),
            hold: Hold::new(tickets, Arc::clone(&stops)),
            stop: Stop::new(stops, Stage::Draining, Stage::Cancelling),
            events,
            control: Mutex::default(),
            news: AtomicBool::new(false),
            phase: AtomicU8::new(Phase::Open as u8),
            first: OnceLock::new(),
            loops: OnceLock::new(),
            turn: AtomicUsize::new(0),
            #[cfg(unix)]
            bells: [const { OnceLock::new() }; 3],
        })
    }

    // Not inlined: it is called in many places.
    #[inline(never)]
    pub(super) fn control(&self) -> MutexGuard<'_, Control> {
        self.control.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Says that `control` has something for the first loop. To be said under its lock where no phase may come in between.
    pub(super) fn publish(&self) {
        self.news.store(true, Ordering::SeqCst);
        if let Some(first) = self.first.get() {
            first.wake();
        }
    }

    /// What is new for the first loop.
    pub(super) fn news(&self) -> Option<MutexGuard<'_, Control>> {
        self.news.swap(false, Ordering::SeqCst).then(|| self.control())
    }

    pub(super) fn phase(&self) -> Phase {
        match self.phase.load(Ordering::SeqCst) {
            0 => Phase::Open,
            1 => Phase::Stopping,
            2 => Phase::Closing,
            _ => Phase::Ended,
        }
    }

    /// Goes on to a phase, unless that is behind, and tells all loops. Returns where it was, and whether there is any loop.
    pub(super) fn advance(&self, phase: Phase) -> (Phase, bool) {
        let before = {
            let _control = self.control();
            let before = self.phase();
            self.phase.store(before.max(phase) as u8, Ordering::SeqCst);
            before
        };
        for this in self.loops() {
            this.wake();
        }
        (before, self.first.get().is_some())
    }

    /// Called under the lock of `control`, once.
    pub(super) fn set_first(&self, first: Arc<Loop>) {
        drop(self.first.set(first));
    }

    pub(super) fn first(&self) -> Option<&Arc<Loop>> {
        self.first.get()
    }

    /// Called under the lock of `control`, once.
    pub(super) fn set_loops(&self, loops: Vec<Arc<Loop>>) {
        drop(self.loops.set(loops));
    }

    pub(super) fn has_all_loops(&self) -> bool {
        self.loops.get().is_some()
    }

    /// All loops that there are.
    pub(super) fn loops(&self) -> &[Arc<Loop>] {
        match (self.loops.get(), self.first.get()) {
            (Some(loops), _) => loops,
            (None, Some(first)) => std::slice::from_ref(first),
            (None, None) => &[],
        }
    }

    /// Which loop is to have the next connection; `None` for the first one itself.
    pub(super) fn loop_for_an_arrival(&self) -> Option<&Arc<Loop>> {
        let loops = self.loops.get().filter(|loops| loops.len() > 1)?;
        let turn = self.turn.fetch_add(1, Ordering::Relaxed) % loops.len();
        (turn > 0).then(|| &loops[turn])
    }

    /// Wakes the first loop, which accepts.
    pub(super) fn wake_accept_loop(&self) {
        if let Some(first) = self.first.get() {
            first.wake();
        }
    }

    /// The pipe that ends when `stage` is reached, the same for all connections.
    #[cfg(unix)]
    pub(super) fn bell(&self, stage: Stage) -> io::Result<&PipeReader> {
        let bell = &self.bells[match stage {
            Stage::Running | Stage::Requested | Stage::Draining => 0,
            Stage::Cancelling | Stage::StoppingTasks | Stage::Cleaning => 1,
            Stage::Ended => 2,
        }];
        match bell.get() {
            Some(bell) => Ok(bell),
            None => {
                let new = self.stop.stops().pipe(stage)?;
                Ok(bell.get_or_init(|| new))
            }
        }
    }

    /// Makes both bells now, so that a lack of descriptors later does not matter.
    #[cfg(unix)]
    pub(super) fn hang_bells(&self) -> io::Result<()> {
        self.bell(Stage::Draining)?;
        self.bell(Stage::Cancelling)?;
        self.bell(Stage::Ended)?;
        Ok(())
    }

    #[cfg(not(unix))]
    pub(super) fn hang_bells(&self) -> io::Result<()> {
        Ok(())
    }
}
