//! What a loop's leader owns: the poll, the seats, the timers, and for the first loop the listeners.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::io;
use std::sync::Arc;
use std::time::{Duration, Instant};

#[cfg(unix)]
use mio::Interest;
use mio::event::Event;
use mio::{Events, Poll, Token};

use super::connection::Connection;
use super::core::{Core, Phase};
use super::entrance::{Burial, Entrance};
use super::event_loop::{LOOK, Letter, Loop, Mail};
use super::pool::SessionJob;
use super::protocol::{Doing, Next, Shared, Wake};
use super::registry::Activity;
use super::seats::{Seat, Seats, Told, Watch};
use super::timers::Timers;
use crate::channel::Sender;
use crate::runtime::stop::Stage;
use crate::text::shown;
use crate::{clock, panics};

/// The waker's. Listeners count down from here, seats up from 0.
pub(super) const WAKER: Token = Token(usize::MAX);

/// No session has a place beyond it.
const SEATS: usize = u32::MAX as usize;

/// How long the loop rests when its poll fails.
const REST: Duration = Duration::from_millis(100);

pub(super) struct Reactor {
    poll: Poll,
    events: Events,
    entrance: Option<Entrance>,
    seats: Seats,
    timers: Timers,
    /// What the sentry knows of them.
    alarm: Option<Instant>,
    errands: VecDeque<Errand>,
    /// As many of them are run before the poll is looked at again.
    batch: usize,
    /// What is to be dropped where it may take its time.
    burials: Vec<Burial>,
    now: Instant,
    phase: Phase,
    stage: Stage,
    /// Disconnects when all loops have ended.
    #[allow(dead_code, reason = "held only to be dropped")]
    running: Sender<Infallible>,
}

/// A session that is to be run.
pub(super) struct Errand {
    pub(super) place: u32,
    pub(super) wake: Wake,
}

impl Reactor {
    pub(super) fn new(poll: Poll, entrance: Option<Entrance>, running: Sender<Infallible>) -> Box<Self> {
        let now = clock::now();
        Box::new(Self {
            poll,
            events: Events::with_capacity(1024),
            entrance,
            seats: Seats::default(),
            timers: Timers::new(now),
            alarm: None,
            errands: VecDeque::new(),
            batch: 0,
            burials: Vec::new(),
            now,
            phase: Phase::Open,
            stage: Stage::Running,
            running,
        })
    }

    /// When the loop last looked at the clock.
    pub(super) fn now(&self) -> Instant {
        self.now
    }

    pub(super) fn is_over(&self) -> bool {
        self.phase == Phase::Ended
    }

    pub(super) fn next_errand(&mut self, core: &Core) -> Option<Errand> {
        self.batch = self.batch.checked_sub(1)?;
        // The deadline may pass amid them, and no handler is to begin after it.
        if core.phase() >= Phase::Closing { None } else { self.errands.pop_front() }
    }

    /// The session of an errand, unless it has become idle: it is away, gone, or was run for something else meanwhile.
    pub(super) fn take(&mut self, place: u32, wake: Wake) -> Option<Seat> {
        let stands = match wake {
            Wake::Overloaded | Wake::Work => true,
            // For one that is away it is remembered.
            Wake::Called | Wake::Ready { .. } => self.seats.hear(place),
            // One that is away is told when it is back.
            Wake::Announced => self.seats.tell(place, Told::Announcement),
            Wake::Cancelled => self.seats.tell(place, Told::Cancellation),
            Wake::Stopping => self.seats.tell(place, Told::Drain),
            Wake::TimedOut => self.timers.has_fired(place),
        };
        let seat = if stands { self.seats.take(place) } else { None }?;
        seat.connection.set_activity(Activity::Busy);
        Some(seat)
    }

    /// Waits for something to happen, and takes note of it. Hands out what is to be dropped where it may take its time.
    pub(super) fn look(&mut self, core: &Arc<Core>, this: &Arc<Loop>) -> Vec<Burial> {
        let timeout = self.timeout();
        let alarm = self.timers.next();
        if alarm != self.alarm {
            self.alarm = alarm;
            this.set_alarm(alarm);
        }
        this.set_awake(false);
        let polled = self.poll.poll(&mut self.events, timeout);
        this.set_awake(true);
        match polled {
            Ok(()) => {}
            Err(error) if error.kind() == io::ErrorKind::Interrupted => return Vec::new(),
            Err(error) => {
                // Not known to happen. The loop must not end, and must not spin.
                core.observer.error("poll failed", [("error", shown(&error).into())]);
                std::thread::sleep(REST);
            }
        }
        self.now = clock::now();
        core.sentry.stay_awake();
        for event in &self.events {
            match event.token() {
                WAKER => {}
                Token(place) if place < SEATS => {
                    let place = place as u32;
                    if self.seats.hear(place) {
                        self.errands.push_back(Errand { place, wake: wake(event) });
                    }
                }
                token => {
                    if let Some(entrance) = &mut self.entrance {
                        entrance.hear(token);
                    }
                }
            }
        }
        // Once, so that everything that follows sees the same.
        self.phase = core.phase();
        if let Some(entrance) = &mut self.entrance {
            self.burials.append(&mut entrance.step(core, self.poll.registry(), self.now));
            for (connection, protocol) in entrance.arrivals() {
                match core.loop_for_an_arrival() {
                    None => self.seat(core, connection, &protocol),
                    Some(other) => other.post(Letter::Arrival(connection, protocol)),
                }
            }
        }
        let Mail { letters, calls } = this.mail();
        for letter in letters {
            self.read(core, this, letter);
        }
        for (place, connection) in calls {
            if self.seats.call(place, connection) {
                self.errands.push_back(Errand { place, wake: Wake::Called });
            }
        }
        self.look_at_the_stage(core);
        let errands = &mut self.errands;
        self.timers.expire(self.now, |place| errands.push_back(Errand { place, wake: Wake::TimedOut }));
        if self.phase >= Phase::Closing {
            self.close(this);
        }
        self.batch = self.errands.len();
        std::mem::take(&mut self.burials)
    }

    /// What a session has said to come next is seen to.
    pub(super) fn settle(&mut self, core: &Arc<Core>, this: &Arc<Loop>, place: u32, seat: Option<Seat>, next: Next) {
        let Some(mut seat) = seat else { return self.vacate(place) };
        let (watch, until) = match next {
            // It is closed already.
            Next::Become | Next::Close(_) => return self.vacate(place),
            Next::Read { doing, until } => {
                if doing == Doing::Idle {
                    seat.rest();
                }
                (Watch::Bytes, until)
            }
            Next::Write { until } => (Watch::BytesAndRoom, until),
            Next::Work => return self.submit(core, this, place, seat),
        };
        if let Err(error) = self.watch(&mut seat, place, watch) {
            core.observer.debug("connection not watched", [("error", shown(&error).into())]);
            let Seat { session, connection, .. } = seat;
            connection.close(Activity::Busy);
            self.burials.push(Burial::Session(session));
            return self.vacate(place);
        }
        let news = seat.news(self.stage);
        let missed = self.seats.park(place, seat);
        self.timers.arm(place, until);
        if missed {
            self.errands.push_back(Errand { place, wake: LOOK });
        }
        if let Some(wake) = news {
            self.errands.push_back(Errand { place, wake });
        }
    }

    /// No session is here any more. Its timer must not fire for the next one.
    fn vacate(&mut self, place: u32) {
        self.timers.arm(place, None);
        self.seats.vacate(place);
    }

    fn submit(&mut self, core: &Arc<Core>, this: &Arc<Loop>, place: u32, seat: Seat) {
        self.timers.arm(place, None);
        seat.connection.set_activity(Activity::Queued);
        let job = SessionJob { home: Arc::clone(this), place, seat };
        if let Err(SessionJob { seat, .. }) = core.pool.try_submit(core, job) {
            seat.connection.set_activity(Activity::Busy);
            self.seats.park(place, seat);
            self.errands.push_front(Errand { place, wake: Wake::Overloaded });
        }
    }

    fn look_at_the_stage(&mut self, core: &Core) {
        let before = self.stage;
        self.stage = core.stop.stops().stage();
        if self.stage > before && before < Stage::Cancelling {
            let news = self.seats.parked().filter_map(|(place, seat)| Some((place, seat.news(self.stage)?)));
            self.errands.extend(news.map(|(place, wake)| Errand { place, wake }));
        }
    }

    /// Takes a new connection in. It is run at once, since its first bytes may be there; only if they are not, the poll comes
    /// to know of it.
    fn seat(&mut self, core: &Core, connection: Connection, protocol: &Shared) {
        let session = match panics::catch(|| protocol.open(&connection)) {
            Ok(session) => session,
            Err(message) => {
                let fields = [("connection", connection.id().into()), ("panic", message.into())];
                core.observer.error("session panicked", fields);
                return connection.close(Activity::Failed);
            }
        };
        let place = self.seats.reserve();
        // The errand counts as its being told.
        self.seats.park(place, Seat { session, connection, watch: Watch::Nothing, told: Told::Nothing });
        let draining = self.stage >= Stage::Draining;
        let wake = if draining { Wake::Stopping } else { Wake::Ready { hung_up: false } };
        self.errands.push_back(Errand { place, wake });
    }

    fn read(&mut self, core: &Arc<Core>, this: &Arc<Loop>, letter: Letter) {
        match letter {
            Letter::Arrival(connection, protocol) => self.seat(core, connection, &protocol),
            Letter::Home { place, seat, next } => self.settle(core, this, place, seat, next),
        }
    }

    /// The deadline of the drain has passed: what is left is counted already, and its sockets are shut down.
    fn close(&mut self, this: &Loop) {
        self.errands.clear();
        let parked: Vec<u32> = self.seats.parked().map(|(place, _)| place).collect();
        for place in parked {
            if let Some(Seat { session, connection, .. }) = self.seats.take(place) {
                drop(connection);
                self.burials.push(Burial::Session(session));
                self.vacate(place);
            }
        }
        if self.phase == Phase::Ended {
            self.burials.extend(this.close().into_iter().map(Burial::Letter));
        }
    }

    fn timeout(&self) -> Option<Duration> {
        if !self.errands.is_empty() || !self.burials.is_empty() {
            return Some(Duration::ZERO);
        }
        // The sentry sees to the timers of sessions.
        self.entrance.as_ref().and_then(Entrance::timeout)
    }
}

#[cfg(unix)]
impl Reactor {
    /// Has the poll tell what happens to a connection. Edge-triggered, so once is enough; asked again it looks at once.
    fn watch(&self, seat: &mut Seat, place: u32, watch: Watch) -> io::Result<()> {
        use std::os::fd::{AsFd as _, AsRawFd as _};

        if watch <= seat.watch {
            return Ok(());
        }
        let fd = seat.connection.as_fd().as_raw_fd();
        let interest = if watch == Watch::Bytes { Interest::READABLE } else { Interest::READABLE | Interest::WRITABLE };
        let (registry, token) = (self.poll.registry(), Token(place as usize));
        match seat.watch {
            Watch::Nothing => registry.register(&mut mio::unix::SourceFd(&fd), token, interest)?,
            _ => registry.reregister(&mut mio::unix::SourceFd(&fd), token, interest)?,
        }
        seat.watch = watch;
        Ok(())
    }
}

/// Not possible here without owning the socket: sessions are driven by workers, see `drive`.
#[cfg(not(unix))]
impl Reactor {
    fn watch(&self, _: &mut Seat, _: u32, _: Watch) -> io::Result<()> {
        Err(io::ErrorKind::Unsupported.into())
    }
}

fn wake(event: &Event) -> Wake {
    Wake::Ready { hung_up: event.is_read_closed() || event.is_error() }
}
