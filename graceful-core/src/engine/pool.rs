//! The threads that run handlers: as many as are busy at once, up to a limit, and a queue before them.
//!
//! A connection in the queue has a worker under way to it, or all workers are busy and the next one that is free takes it.
//! Idle workers are a stack, so that the least number stays in use and the others go after a while.

use std::collections::VecDeque;
use std::io;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use super::connection::Connection;
use super::core::Core;
use super::event_loop::{Letter, Loop};
use super::hold::Held;
use super::protocol::Next;
use super::seats::Seat;
use super::worker::{self, Slot};
use super::{Handler, Limits};
use crate::sync::lock;
use crate::text::shown;
use crate::{clock, threads};

/// How long the end of the pool waits for workers that are not in a handler: a scheduling delay, not work.
const LEAVING: Duration = Duration::from_millis(200);

/// What waits for a worker.
pub(super) enum Job {
    Connection(ConnectionJob),
    Session(SessionJob),
}

/// A connection, to be served to its end.
pub(super) struct ConnectionJob {
    pub(super) connection: Connection,
    pub(super) handler: Arc<Handler>,
    /// The handler holds the drain open by itself: it may close its connection and work on.
    pub(super) held: Held,
}

/// A session, to be run once and sent home.
pub(super) struct SessionJob {
    pub(super) home: Arc<Loop>,
    pub(super) place: u32,
    pub(super) seat: Seat,
}

/// What the accept loop has to know after it added to the queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Pressure {
    /// No more: the loop is woken when there is room again.
    pub(super) full: bool,
    /// A worker is wanted and could not be started: try again later.
    pub(super) starved: bool,
}

pub(super) struct Pool {
    limits: Limits,
    state: Mutex<State>,
    left: Condvar,
}

#[derive(Default)]
struct State {
    queue: VecDeque<Job>,
    /// The last one is used first.
    idle: Vec<Arc<Slot>>,
    workers: Vec<Worker>,
    /// Workers that were woken or started for a job and have not come for it yet.
    coming: usize,
    last_number: u64,
    accept_waits: bool,
    spawn_fails: bool,
    /// The deadline of the drain has passed.
    cleared: bool,
    closed: bool,
    /// Threads that have said that they end, to be joined by whoever ends or starts next.
    leavers: Vec<JoinHandle<()>>,
}

struct Worker {
    slot: Arc<Slot>,
    /// Comes a moment after the thread.
    handle: Option<JoinHandle<()>>,
}

impl Job {
    fn connection(&self) -> &Connection {
        match self {
            Self::Connection(job) => &job.connection,
            Self::Session(job) => &job.seat.connection,
        }
    }
}

enum Step {
    Nothing,
    Start(Arc<Slot>),
    Wake(Arc<Slot>),
}

impl Pool {
    pub(super) fn new(limits: Limits) -> Self {
        let Limits { workers, queue, requests, .. } = limits;
        let limits = Limits { workers: workers.max(1), queue: queue.max(1), requests: requests.max(1), ..limits };
        Self { limits, state: Mutex::default(), left: Condvar::new() }
    }

    /// Queues a connection for a worker, whatever the limit of the queue.
    pub(super) fn submit(&self, core: &Arc<Core>, job: ConnectionJob) -> Pressure {
        let mut state = self.lock();
        if state.closed {
            drop(state);
            drop(job);
            return Pressure { full: false, starved: false };
        }
        state.queue.push_back(Job::Connection(job));
        self.staff(core, state).0
    }

    /// Queues a session for a worker. Starts one thread at most, since a loop waits: the threads that come start others.
    ///
    /// # Errors
    /// The queue is full, or there is no worker and none can be started, or the deadline of the drain has passed; the session
    /// comes back.
    pub(super) fn try_submit(&self, core: &Arc<Core>, job: SessionJob) -> Result<(), SessionJob> {
        let mut state = self.lock();
        if state.closed || state.cleared || state.waiting() >= self.limits.requests {
            return Err(job);
        }
        let (home, place) = (Arc::clone(&job.home), job.place);
        state.queue.push_back(Job::Session(job));
        if state.idle.is_empty() && state.coming > 0 {
            return Ok(());
        }
        let Pressure { starved, .. } = self.staff(core, state).0;
        let stranded = if starved { self.lock().stranded() } else { VecDeque::new() };
        let mut own = Ok(());
        for job in stranded {
            if Arc::ptr_eq(&job.home, &home) && job.place == place {
                own = Err(job);
            } else {
                // Another loop counted on the worker that could not be started. It is to try that itself.
                let SessionJob { home, place, seat } = job;
                home.post(Letter::Home { place, seat: Some(seat), next: Next::Work });
            }
        }
        own
    }

    /// Looks again whether workers can be started and whether there is room.
    pub(super) fn review(&self, core: &Arc<Core>) -> Pressure {
        loop {
            let (pressure, changed) = self.staff(core, self.lock());
            if !changed || pressure.starved {
                return pressure;
            }
        }
    }

    /// Takes everything out of the queue: nothing waits for a worker any more, and no session will.
    pub(super) fn clear(&self) -> VecDeque<Job> {
        let mut state = self.lock();
        state.cleared = true;
        std::mem::take(&mut state.queue)
    }

    /// Which thread is in which connection's handler: the connection's number and the kernel's of the thread.
    pub(super) fn serving(&self) -> Vec<(u64, u64)> {
        self.lock().workers.iter().filter_map(|worker| worker.slot.serving()).collect()
    }

    /// Ends and joins all workers that are not in a handler. The others end when their handler returns.
    pub(super) fn close(&self) {
        let mut state = self.lock();
        state.closed = true;
        let abandoned = std::mem::take(&mut state.queue);
        for slot in std::mem::take(&mut state.idle) {
            state.coming += 1;
            slot.wake();
        }
        let until = clock::now().checked_add(LEAVING);
        while state.workers.iter().any(|worker| worker.slot.serving().is_none()) {
            let left = until.map_or(Duration::ZERO, clock::until);
            if left.is_zero() {
                break;
            }
            state = self.left.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0;
        }
        let leavers = std::mem::take(&mut state.leavers);
        drop(state);
        drop(abandoned);
        worker::join(leavers);
    }

    /// Sees to it that one more job in the queue gets a worker, if one can be had, and tells whether that changed anything.
    fn staff(&self, core: &Arc<Core>, mut state: MutexGuard<'_, State>) -> (Pressure, bool) {
        let step = state.step(self.limits.workers);
        let full = state.waiting() >= self.limits.queue;
        // Once it waits it is only told of room, whoever looks in between.
        state.accept_waits |= full;
        drop(state);
        match step {
            Step::Nothing => (Pressure { full, starved: false }, false),
            Step::Wake(slot) => {
                slot.wake();
                (Pressure { full, starved: false }, true)
            }
            Step::Start(slot) => {
                let started = self.start(core, &slot);
                if let Err(error) = &started {
                    self.not_started(core, &slot, error);
                }
                (Pressure { full, starved: started.is_err() }, started.is_ok())
            }
        }
    }

    fn start(&self, core: &Arc<Core>, slot: &Arc<Slot>) -> io::Result<()> {
        let (core, own) = (Arc::clone(core), Arc::clone(slot));
        let run = Box::new(move || worker::work(&core, &own));
        let handle = threads::spawn_with(&format!("gf-work-{}", slot.number()), self.limits.stack, run)?;
        let mut state = self.lock();
        state.spawn_fails = false;
        match state.workers.iter_mut().find(|worker| Arc::ptr_eq(&worker.slot, slot)) {
            Some(worker) => worker.handle = Some(handle),
            // It has left already.
            None => state.leavers.push(handle),
        }
        Ok(())
    }

    fn not_started(&self, core: &Core, slot: &Arc<Slot>, error: &io::Error) {
        let mut state = self.lock();
        state.workers.retain(|worker| !Arc::ptr_eq(&worker.slot, slot));
        state.coming -= 1;
        let told = std::mem::replace(&mut state.spawn_fails, true);
        let (workers, queued) = (state.workers.len(), state.queue.len());
        drop(state);
        self.left.notify_all();
        if !told {
            let fields = [("error", shown(&error).into()), ("workers", workers.into()), ("queued", queued.into())];
            core.observer.warn("worker not started", fields);
        }
    }

    /// Waits for the next job of a worker; `None` when it is to leave. `coming`: it was sent for.
    pub(super) fn next(&self, core: &Arc<Core>, slot: &Arc<Slot>, mut coming: bool) -> Option<Job> {
        let mut idle_since: Option<Instant> = None;
        let mut state = self.lock();
        loop {
            if coming {
                state.coming -= 1;
            }
            if state.closed {
                break;
            }
            if let Some(job) = state.queue.pop_front() {
                slot.take_up(job.connection().id());
                // Room for a good few, so that the loop is not woken for each one.
                let room = state.accept_waits && state.waiting() <= self.limits.queue / 2;
                if room {
                    state.accept_waits = false;
                    core.wake_accept_loop();
                }
                if coming && state.waiting() > 0 {
                    // A loop does not start a thread for each of its jobs. Two by each that comes are twice as many each time.
                    let (_, more) = self.staff(core, state);
                    if more {
                        self.staff(core, self.lock());
                    }
                }
                return Some(job);
            }
            let since = *idle_since.get_or_insert_with(clock::now);
            let left = || self.limits.idle.saturating_sub(clock::now().saturating_duration_since(since));
            state.idle.push(Arc::clone(slot));
            drop(state);
            thread::park_timeout(left());
            state = self.lock();
            match state.idle.iter().rposition(|idle| Arc::ptr_eq(idle, slot)) {
                Some(place) => {
                    state.idle.remove(place);
                    coming = false;
                    if left().is_zero() {
                        break;
                    }
                }
                None => coming = true,
            }
        }
        let earlier = state.leave(slot);
        drop(state);
        self.left.notify_all();
        worker::join(earlier);
        None
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // No user code runs under the lock, and the state is whole between any two statements that can panic.
        lock(&self.state)
    }
}

#[cfg(test)]
impl Pool {
    pub(super) fn holds_accept_up(&self) -> bool {
        self.lock().accept_waits
    }

    /// Waits until no worker is in a handler or under way to one.
    pub(super) fn await_idle(&self, patience: Duration) {
        let until = clock::now() + patience;
        loop {
            let state = self.lock();
            if state.idle.len() == state.workers.len() {
                return;
            }
            drop(state);
            assert!(clock::now() < until, "a worker is still busy");
            thread::yield_now();
        }
    }

    /// Waits until all workers have left.
    pub(super) fn await_empty(&self, patience: Duration) {
        let until = clock::now() + patience;
        let mut state = self.lock();
        while !state.workers.is_empty() {
            let left = clock::until(until);
            assert!(!left.is_zero(), "a worker is still there");
            state = self.left.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0;
        }
    }
}

impl State {
    /// How many jobs no worker is under way to.
    fn waiting(&self) -> usize {
        self.queue.len().saturating_sub(self.coming)
    }

    /// The sessions in the queue, if there is no worker to take them out.
    fn stranded(&mut self) -> VecDeque<SessionJob> {
        let (mut stranded, mut rest) = (VecDeque::new(), VecDeque::new());
        if self.workers.is_empty() {
            for job in std::mem::take(&mut self.queue) {
                match job {
                    Job::Session(job) => stranded.push_back(job),
                    // Those are looked at again after a while.
                    Job::Connection(_) => rest.push_back(job),
                }
            }
            self.queue = rest;
        }
        stranded
    }

    fn step(&mut self, limit: usize) -> Step {
        if self.waiting() == 0 {
            return Step::Nothing;
        }
        if let Some(slot) = self.idle.pop() {
            self.coming += 1;
            return Step::Wake(slot);
        }
        if self.workers.len() >= limit || self.closed {
            return Step::Nothing;
        }
        self.coming += 1;
        self.last_number += 1;
        let slot = Arc::new(Slot::new(self.last_number));
        self.workers.push(Worker { slot: Arc::clone(&slot), handle: None });
        Step::Start(slot)
    }

    /// Takes the calling worker off the list, and returns those that left before it: an ended thread keeps its stack until
    /// it is joined.
    fn leave(&mut self, slot: &Arc<Slot>) -> Vec<JoinHandle<()>> {
        let place = self.workers.iter().position(|worker| Arc::ptr_eq(&worker.slot, slot));
        let own = place.and_then(|place| self.workers.swap_remove(place).handle);
        std::mem::replace(&mut self.leavers, own.into_iter().collect())
    }
}
