//! The accept loop: one thread for all listeners, which never ends because accepting fails.

use std::fs::File;
use std::io;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crossbeam_channel::Sender;
use mio::{Events, Poll, Token};

use super::connection::Connection;
use super::core::{AcceptThread, Core, Phase};
use super::door::{Door, Refusal};
use super::endpoint::PeerAddress;
use super::hold::Held;
use super::linger::Linger;
use super::listener::Tenure;
use super::pool::{Job, Pressure};
use super::registry::{Activity, Arrival};
use super::stream::Stream;
use super::{EngineEvent, Handler};
use crate::{clock, panics, sys};

/// The waker's; listeners count from 1.
const WAKER: Token = Token(0);

/// How many connections one listener may bring before another has its turn.
const TURN: usize = 64;

/// The most that are accepted at the end where others may keep coming, because another process goes on listening or the
/// deadline has passed: as many as can be waiting.
const LAST: usize = 4096;

/// How long a listener rests when there are no descriptors, and how long a worker is not started again after that failed.
const PAUSE: Duration = Duration::from_millis(100);

/// The same while it stops: each accepted connection is one less that may be lost.
const SHORT_PAUSE: Duration = Duration::from_millis(10);

struct AcceptLoop {
    core: Arc<Core>,
    poll: Poll,
    phase: Phase,
    doors: Vec<Door>,
    /// The queue for workers has no room.
    full: bool,
    /// A worker could not be started.
    review_at: Option<Instant>,
    /// A descriptor to give up when there is no other for the connections that are still to be accepted.
    reserve: Option<File>,
    /// What held the drain open for listeners that are closed.
    closed: Vec<Held>,
    /// What is not needed any more, and may own anything.
    handlers: Vec<Arc<Handler>>,
    told: bool,
}

/// Starts the thread, for the first listener. Called under the lock of `control`.
pub(super) fn start(core: &Arc<Core>, poll: Poll) -> io::Result<AcceptThread> {
    let registry = poll.registry().try_clone()?;
    let waker = mio::Waker::new(poll.registry(), WAKER)?;
    let (running, ended) = crossbeam_channel::bounded(0);
    let mut accept_loop = AcceptLoop {
        core: Arc::clone(core),
        poll,
        phase: Phase::Open,
        doors: Vec::new(),
        full: false,
        review_at: None,
        reserve: open_reserve(),
        closed: Vec::new(),
        handlers: Vec::new(),
        told: false,
    };
    let handle = std::thread::Builder::new().name("gf-accept-0".into()).spawn(move || {
        sys::block_signals();
        let running: Sender<()> = running;
        accept_loop.run();
        drop(accept_loop);
        drop(running);
    })?;
    core.set_waker(waker);
    Ok(AcceptThread { registry, handle, ended })
}

impl AcceptLoop {
    fn run(&mut self) {
        let mut events = Events::with_capacity(256);
        while self.phase < Phase::Ended {
            match self.poll.poll(&mut events, self.timeout()) {
                Ok(()) => {}
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => {
                    // Not known to happen. The loop must not end, and must not spin.
                    self.core.observer.error("poll failed", [("error", error.to_string().into())]);
                    std::thread::sleep(PAUSE);
                }
            }
            for event in &events {
                // The waker's and those of listeners that are closed by now match none.
                if let Some(door) = self.doors.iter_mut().find(|door| door.token == event.token()) {
                    door.state.ready = true;
                }
            }
            self.obey();
            self.look_at_timers();
            for place in 0..self.doors.len() {
                if self.may_accept(&self.doors[place]) {
                    self.accept(place, TURN);
                }
            }
            self.close_what_is_drained();
            self.tell();
            self.bury();
        }
    }

    fn obey(&mut self) {
        {
            let mut control = self.core.control();
            self.doors.append(&mut control.new_doors);
            self.handlers.append(&mut control.abandoned);
            self.phase = control.phase;
        }
        if self.phase >= Phase::Stopping {
            for place in 0..self.doors.len() {
                self.begin_to_stop(place);
            }
        }
        if self.phase >= Phase::Closing {
            for place in (0..self.doors.len()).rev() {
                // There is no time for these any more. But they are accepted so that they are counted, as refused.
                if self.doors[place].listener.tenure() != Tenure::Shared {
                    self.accept(place, LAST);
                }
                self.close(place);
            }
        }
    }

    fn look_at_timers(&mut self) {
        let now = clock::now();
        for door in &mut self.doors {
            if door.state.paused_until.is_some_and(|until| until <= now) {
                door.state.paused_until = None;
                door.state.ready = true;
            }
        }
        let due = self.review_at.is_some_and(|at| at <= now);
        // While it is full, a worker's wake-up may be what brought us here.
        if due || self.full {
            let Pressure { full, starved } = self.core.pool.review(&self.core);
            self.full = full;
            self.review_at = if starved { now.checked_add(PAUSE) } else { None };
        }
    }

    /// A full queue holds nobody up once the listener stops: what the kernel holds would be lost, what we hold is not.
    fn may_accept(&self, door: &Door) -> bool {
        let state = &door.state;
        state.ready && state.paused_until.is_none() && (!self.full || state.linger.is_some())
    }

    /// Accepts until the queue is empty, but no more than `turn`.
    fn accept(&mut self, place: usize, turn: usize) {
        for _ in 0..turn {
            let door = &mut self.doors[place];
            match door.listener.accept() {
                Ok((stream, peer)) => {
                    self.take(place, stream, peer);
                    if !self.may_accept(&self.doors[place]) {
                        return;
                    }
                }
                Err(error) => match Refusal::of(&error) {
                    Refusal::Empty => {
                        door.state.ready = false;
                        self.resumed(place);
                        return;
                    }
                    Refusal::Exhausted => {
                        if door.state.linger.is_some() && self.reserve.take().is_some() {
                            continue;
                        }
                        self.pause(place, &error);
                        return;
                    }
                    Refusal::Interrupted => {}
                    Refusal::OfOneConnection => {
                        let fields = [("error", error.to_string().into())];
                        self.core.observer.debug("connection lost before it was accepted", fields);
                    }
                },
            }
        }
    }

    fn take(&mut self, place: usize, stream: Stream, peer: PeerAddress) {
        let now = clock::now();
        let Door { handler, held, state, .. } = &mut self.doors[place];
        state.recent.note(&peer, now);
        if let Some(linger) = &mut state.linger {
            linger.extend(&peer, now);
            state.late += 1;
        }
        let arrival = Arrival { stream, peer, since: now, activity: Activity::Queued };
        match self.core.registry.add(arrival, held.clone()) {
            Ok(conn) => {
                let job = Job { connection: Connection::new(conn), handler: Arc::clone(handler), held: held.clone() };
                let Pressure { full, starved } = self.core.pool.submit(&self.core, job);
                self.full = full;
                if starved && self.review_at.is_none() {
                    self.review_at = now.checked_add(PAUSE);
                }
            }
            Err(_) => self.core.registry.refuse(),
        }
    }

    fn pause(&mut self, place: usize, error: &io::Error) {
        let Door { listener, state, .. } = &mut self.doors[place];
        let pause = if state.linger.is_some() { SHORT_PAUSE } else { PAUSE };
        state.ready = false;
        state.paused_until = clock::now().checked_add(pause);
        if !std::mem::replace(&mut state.pause_told, true) {
            let fields = [("address", listener.local().to_string().into()), ("error", error.to_string().into())];
            self.core.observer.warn("accept paused", fields);
        }
    }

    fn resumed(&mut self, place: usize) {
        let Door { listener, state, .. } = &mut self.doors[place];
        if std::mem::take(&mut state.pause_told) {
            let fields = [("address", listener.local().to_string().into())];
            self.core.observer.info("accept resumed", fields);
        }
    }

    fn begin_to_stop(&mut self, place: usize) {
        let Door { listener, state, .. } = &mut self.doors[place];
        if state.linger.is_some() {
            return;
        }
        state.linger = Some(Linger::begin(listener, &state.recent, clock::now()));
        if let Err(error) = listener.turn_away() {
            let fields = [("address", listener.local().to_string().into()), ("error", error.to_string().into())];
            self.core.observer.debug("new connections not turned away", fields);
        }
        state.paused_until = None;
        state.ready = true;
    }

    fn close_what_is_drained(&mut self) {
        for place in (0..self.doors.len()).rev() {
            if !self.is_drained(place) {
                continue;
            }
            // What came since the last look. If somebody did, others may be behind.
            let before = self.doors[place].state.late;
            self.doors[place].state.ready = true;
            self.accept(place, TURN);
            if self.doors[place].state.late == before || self.is_drained(place) {
                self.close(place);
            }
        }
    }

    fn is_drained(&mut self, place: usize) -> bool {
        let Door { listener, state, .. } = &mut self.doors[place];
        let Some(linger) = &mut state.linger else { return false };
        if state.late >= LAST && listener.tenure() == Tenure::Shared {
            return true;
        }
        let empty = !state.ready && state.paused_until.is_none();
        empty && linger.is_over(clock::now(), || listener.handshake_under_way())
    }

    fn close(&mut self, place: usize) {
        let Door { listener, held, handler, state, .. } = self.doors.swap_remove(place);
        listener.deregister(self.poll.registry());
        self.core.control().listeners.retain(|open| !Arc::ptr_eq(open, &listener));
        let fields = [("address", listener.local().to_string().into()), ("late", state.late.into())];
        drop(listener);
        self.core.observer.info("listener stopped", fields);
        self.closed.push(held);
        self.handlers.push(handler);
    }

    /// Says once that there are no listeners any more, and will be none. Only then may the drain end, if they were all that
    /// held it open.
    fn tell(&mut self) {
        if self.phase == Phase::Open || !self.doors.is_empty() || self.told {
            return;
        }
        self.told = true;
        (self.core.events)(EngineEvent::ListenersStopped);
        self.closed.clear();
    }

    /// Drops handlers that are not needed any more, once there is nothing else to do. The destructors of what they own are
    /// not ours, and may even block: so nothing waits for this thread.
    fn bury(&mut self) {
        if self.doors.is_empty() {
            for handler in self.handlers.drain(..) {
                panics::drop_quietly(handler);
            }
        }
    }

    fn timeout(&self) -> Option<Duration> {
        if self.doors.iter().any(|door| self.may_accept(door)) {
            return Some(Duration::ZERO);
        }
        let doors =
            self.doors.iter().map(|Door { state, .. }| state.paused_until.or(state.linger.as_ref().map(Linger::until)));
        doors.chain([self.review_at]).flatten().min().map(clock::until)
    }
}

fn open_reserve() -> Option<File> {
    if cfg!(unix) { File::open("/dev/null").ok() } else { None }
}
