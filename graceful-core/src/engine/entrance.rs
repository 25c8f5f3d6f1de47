//! Where connections come in: all listeners, in the care of the first event loop. Accepting never ends because it fails.

use std::fs::File;
use std::io;
use std::sync::Arc;
use std::time::{Duration, Instant};

use mio::{Registry, Token};

use super::EngineEvent;
use super::connection::Connection;
use super::core::{Core, Phase};
use super::door::{Door, Refusal, Service};
use super::endpoint::PeerAddress;
use super::event_loop::Letter;
use super::hold::Held;
use super::linger::Linger;
use super::listener::Tenure;
use super::pool::{ConnectionJob, Pressure};
use super::protocol::{Session, Shared};
use super::registry::{Activity, Arrival};
use super::stream::Stream;
use crate::clock;
use crate::text::shown;

/// How many connections one listener may bring before another has its turn.
const TURN: usize = 64;

/// The most that are accepted at the end where others may keep coming, because another process goes on listening or the
/// deadline has passed: as many as can be waiting.
const LAST: usize = 4096;

/// How long a listener rests when there are no descriptors, and how long a worker is not started again after that failed.
const PAUSE: Duration = Duration::from_millis(100);

/// The same while it stops: each accepted connection is one less that may be lost.
const SHORT_PAUSE: Duration = Duration::from_millis(10);

pub(super) struct Entrance {
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
    /// Connections for event loops.
    arrivals: Vec<(Connection, Shared)>,
    /// What is not needed any more, and may own anything.
    burials: Vec<Burial>,
    told: bool,
}

/// What may own what is the user's: its destructor may block, or panic.
#[allow(dead_code, reason = "held only to be dropped")]
pub(super) enum Burial {
    Letter(Letter),
    Service(Service),
    Session(Box<dyn Session>),
}

impl Entrance {
    pub(super) fn new() -> Self {
        Self {
            phase: Phase::Open,
            doors: Vec::new(),
            full: false,
            review_at: None,
            reserve: open_reserve(),
            closed: Vec::new(),
            arrivals: Vec::new(),
            burials: Vec::new(),
            told: false,
        }
    }

    /// Something has come to a listener. The tokens of those that are closed by now match none.
    pub(super) fn hear(&mut self, token: Token) {
        if let Some(door) = self.doors.iter_mut().find(|door| door.token == token) {
            door.state.ready = true;
        }
    }

    /// Does what there is to do, and hands out what is to be dropped where that may take its time.
    pub(super) fn step(&mut self, core: &Arc<Core>, registry: &Registry, now: Instant) -> Vec<Burial> {
        self.obey(core, registry);
        self.look_at_timers(core, now);
        for place in 0..self.doors.len() {
            if self.may_accept(&self.doors[place]) {
                self.accept(core, place, TURN);
            }
        }
        self.close_what_is_drained(core, registry);
        self.tell(core);
        // Destructors run once there is nothing else to do.
        if self.doors.is_empty() { std::mem::take(&mut self.burials) } else { Vec::new() }
    }

    /// The connections for event loops that have come in.
    pub(super) fn arrivals(&mut self) -> Vec<(Connection, Shared)> {
        std::mem::take(&mut self.arrivals)
    }

    /// How long the poll may wait.
    pub(super) fn timeout(&self) -> Option<Duration> {
        if self.doors.iter().any(|door| self.may_accept(door)) {
            return Some(Duration::ZERO);
        }
        let doors =
            self.doors.iter().map(|Door { state, .. }| state.paused_until.or(state.linger.as_ref().map(Linger::until)));
        doors.chain([self.review_at]).flatten().min().map(clock::until)
    }

    fn obey(&mut self, core: &Arc<Core>, registry: &Registry) {
        // Before the news: what came in before the phase changed is then among them.
        self.phase = core.phase();
        if let Some(mut control) = core.news() {
            self.doors.append(&mut control.new_doors);
            self.burials.append(&mut control.abandoned);
        }
        if self.phase >= Phase::Stopping {
            for place in 0..self.doors.len() {
                self.begin_to_stop(core, place);
            }
        }
        if self.phase >= Phase::Closing {
            for place in (0..self.doors.len()).rev() {
                // There is no time for these any more. But they are accepted so that they are counted, as refused.
                if self.doors[place].listener.tenure() != Tenure::Shared {
                    self.accept(core, place, LAST);
                }
                self.close(core, registry, place);
            }
        }
    }

    fn look_at_timers(&mut self, core: &Arc<Core>, now: Instant) {
        for door in &mut self.doors {
            if door.state.paused_until.is_some_and(|until| until <= now) {
                door.state.paused_until = None;
                door.state.ready = true;
            }
        }
        let due = self.review_at.is_some_and(|at| at <= now);
        // While it is full, a worker's wake-up may be what brought us here.
        if due || self.full {
            let Pressure { full, starved } = core.pool.review(core);
            self.full = full;
            self.review_at = if starved { now.checked_add(PAUSE) } else { None };
        }
    }

    /// A full queue holds up those only whose connections go there, and nobody once the listener stops: what the kernel holds
    /// would be lost, what we hold is not.
    fn may_accept(&self, door: &Door) -> bool {
        let state = &door.state;
        let room = !self.full || matches!(door.service, Service::Sessions(_));
        state.ready && state.paused_until.is_none() && (room || state.linger.is_some())
    }

    /// Accepts until the queue is empty, but no more than `turn`.
    fn accept(&mut self, core: &Arc<Core>, place: usize, turn: usize) {
        for _ in 0..turn {
            let door = &mut self.doors[place];
            match door.listener.accept() {
                Ok((stream, peer)) => {
                    self.take(core, place, stream, peer);
                    if !self.may_accept(&self.doors[place]) {
                        return;
                    }
                }
                Err(error) => match Refusal::of(&error) {
                    Refusal::Empty => {
                        door.state.ready = false;
                        self.resumed(core, place);
                        return;
                    }
                    Refusal::Exhausted => {
                        if door.state.linger.is_some() && self.reserve.take().is_some() {
                            continue;
                        }
                        self.pause(core, place, &error);
                        return;
                    }
                    Refusal::Interrupted => {}
                    Refusal::OfOneConnection => {
                        let fields = [("error", shown(&error).into())];
                        core.observer.debug("connection lost before it was accepted", fields);
                    }
                },
            }
        }
    }

    fn take(&mut self, core: &Arc<Core>, place: usize, stream: Stream, peer: PeerAddress) {
        let now = clock::now();
        let Door { service, held, state, .. } = &mut self.doors[place];
        state.recent.note(&peer, now);
        if let Some(linger) = &mut state.linger {
            linger.extend(&peer, now);
            state.late += 1;
        }
        let arrival = Arrival { stream, peer, since: now, activity: Activity::Queued };
        match core.registry.add(arrival, held.clone()) {
            Ok(conn) => {
                let connection = Connection::new(conn);
                match service {
                    Service::Sessions(protocol) => self.arrivals.push((connection, Arc::clone(protocol))),
                    Service::Blocking(handler) => {
                        let job = ConnectionJob { connection, handler: Arc::clone(handler), held: held.clone() };
                        let Pressure { full, starved } = core.pool.submit(core, job);
                        self.full = full;
                        if starved && self.review_at.is_none() {
                            self.review_at = now.checked_add(PAUSE);
                        }
                    }
                }
            }
            Err(_) => core.registry.refuse(),
        }
    }

    fn pause(&mut self, core: &Arc<Core>, place: usize, error: &io::Error) {
        let Door { listener, state, .. } = &mut self.doors[place];
        let pause = if state.linger.is_some() { SHORT_PAUSE } else { PAUSE };
        state.ready = false;
        state.paused_until = clock::now().checked_add(pause);
        if !std::mem::replace(&mut state.pause_told, true) {
            let fields = [("address", shown(listener.local()).into()), ("error", shown(&error).into())];
            core.observer.warn("accept paused", fields);
        }
    }

    fn resumed(&mut self, core: &Arc<Core>, place: usize) {
        let Door { listener, state, .. } = &mut self.doors[place];
        if std::mem::take(&mut state.pause_told) {
            let fields = [("address", shown(listener.local()).into())];
            core.observer.info("accept resumed", fields);
        }
    }

    fn begin_to_stop(&mut self, core: &Arc<Core>, place: usize) {
        let Door { listener, state, .. } = &mut self.doors[place];
        if state.linger.is_some() {
            return;
        }
        state.linger = Some(Linger::begin(listener, &state.recent, clock::now()));
        if let Err(error) = listener.turn_away() {
            let fields = [("address", shown(listener.local()).into()), ("error", shown(&error).into())];
            core.observer.debug("new connections not turned away", fields);
        }
        state.paused_until = None;
        state.ready = true;
    }

    fn close_what_is_drained(&mut self, core: &Arc<Core>, registry: &Registry) {
        for place in (0..self.doors.len()).rev() {
            if !self.is_drained(place) {
                continue;
            }
            // What came since the last look. If somebody did, others may be behind.
            let before = self.doors[place].state.late;
            self.doors[place].state.ready = true;
            self.accept(core, place, TURN);
            if self.doors[place].state.late == before || self.is_drained(place) {
                self.close(core, registry, place);
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

    fn close(&mut self, core: &Arc<Core>, registry: &Registry, place: usize) {
        let Door { listener, held, service, state, .. } = self.doors.swap_remove(place);
        listener.deregister(registry);
        core.control().listeners.retain(|open| !Arc::ptr_eq(open, &listener));
        let fields = [("address", shown(listener.local()).into()), ("late", state.late.into())];
        drop(listener);
        core.observer.info("listener stopped", fields);
        self.closed.push(held);
        self.burials.push(Burial::Service(service));
    }

    /// Says once that there are no listeners any more, and will be none. Only then may the drain end, if they were all that
    /// held it open.
    fn tell(&mut self, core: &Arc<Core>) {
        if self.phase == Phase::Open || !self.doors.is_empty() || self.told {
            return;
        }
        self.told = true;
        (core.events)(EngineEvent::ListenersStopped);
        self.closed.clear();
    }
}

fn open_reserve() -> Option<File> {
    if cfg!(unix) { File::open("/dev/null").ok() } else { None }
}
