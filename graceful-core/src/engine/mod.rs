//! Connections: accepted, given to handlers, kept on the books, and brought to an end without losing one.
//!
//! ```text
//! listener -> entrance -> registry (counted) -+-> pool (queue) -> worker: handler(Connection) -> dropped: counted, closed
//!                                             +-> reactor: session, parked and run -> closed: counted
//! ```
//!
//! The first event loop accepts for all listeners. A blocking connection is served by a worker from its start to its end; a
//! session lives on an event loop and visits a worker when it has to block.
//! Everything that is open holds one shared ticket, so the drain ends when the last of it is gone.

mod address;
mod bell;
mod connection;
mod core;
mod counters;
mod counts;
mod crew;
mod desk;
mod door;
mod doze;
mod drive;
mod endpoint;
mod entrance;
mod event_loop;
mod hold;
mod linger;
mod listener;
mod pace;
mod pool;
mod protocol;
mod reactor;
mod registry;
mod report;
mod seats;
mod sentry;
mod slot;
mod stream;
#[cfg(test)]
mod tests;
mod timers;
mod turn;
#[cfg(unix)]
mod unix_path;
mod wait;
mod wire;
mod worker;

use std::convert::Infallible;
use std::io;
use std::net::Shutdown;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

pub use self::address::Address;
pub use self::bell::Bell;
pub use self::connection::{Connection, Readable};
pub use self::counters::{CounterGroup, Counters};
pub use self::counts::{ConnectionCounts, ConnectionStates, RequestCounts};
pub use self::endpoint::{LocalAddress, PeerAddress};
pub(crate) use self::hold::TICKET;
pub use self::pace::Pace;
pub use self::protocol::{Doing, Ending, Next, Protocol, Session, Wake};
pub(crate) use self::report::OpenConnections;
pub use self::stream::Stream;
pub use self::turn::{Buffers, Place, Turn};
pub use self::wire::{Waited, Wanted, Wire};

use self::core::{Core, Phase};
use self::door::{Door, DoorState, Service};
use self::entrance::{Burial, Entrance};
use self::event_loop::Loop;
use self::hold::Held;
use self::listener::Listener;
use self::pool::{ConnectionJob, Job, SessionJob};
use self::reactor::{Reactor, WAKER};
use self::registry::{Activity, Arrival};
use crate::channel::{Missing, Receiver, channel};
use crate::clock;
use crate::error::{BoxError, StartError};
use crate::observe::Observer;
use crate::runtime::stop::{Stage, Stops};
use crate::runtime::tickets::{DrainClosed, Tickets};
use crate::text::{owned, shown};

/// What serves a connection. It blocks as long as it needs to; when it drops the connection, that is closed.
pub(crate) type Handler = dyn Fn(Connection) -> Result<(), BoxError> + Send + Sync;

/// How long the end waits for the event loops, one of which may be dropping what a handler owned.
const ENDING: Duration = Duration::from_millis(200);

/// What the engine tells the coordinator, from any thread.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum EngineEvent {
    /// All listeners are closed and there will be no others. Told once.
    ListenersStopped,
}

/// How much the engine may use.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    /// Handlers at once. At least 1.
    pub(crate) workers: usize,
    /// Accepted connections that wait for a worker; beyond it, they wait in the kernel. At least 1.
    pub(crate) queue: usize,
    /// Requests that wait for a worker; beyond it, they are turned down. At least 1.
    pub(crate) requests: usize,
    /// Event loops.
    pub(crate) loops: usize,
    /// Of a worker's stack, if not the standard library's.
    pub(crate) stack: Option<usize>,
    /// How long a worker stays without work.
    pub(crate) idle: Duration,
}

pub(crate) struct Engine {
    core: Arc<Core>,
    /// One for each loop: it disconnects when the loop has ended.
    ended: Mutex<Vec<Receiver<Infallible>>>,
}

impl Engine {
    /// Starts no thread yet. `events` must not block.
    pub(crate) fn new(
        stops: Arc<Stops>,
        tickets: Arc<Tickets>,
        observer: Observer,
        limits: Limits,
        events: impl Fn(EngineEvent) + Send + Sync + 'static,
    ) -> Arc<Self> {
        let core = Core::new(stops, tickets, observer, limits, Box::new(events));
        Arc::new(Self { core, ended: Mutex::default() })
    }

    /// Opens a listener; from now on connections are accepted and each is given to `handler`, on a worker.
    ///
    /// # Blocking
    /// While a host name is resolved.
    pub(crate) fn listen(&self, address: Address, handler: Arc<Handler>) -> Result<LocalAddress, StartError> {
        self.open_listener(address, Service::Blocking(handler))
    }

    /// Opens a listener; from now on connections are accepted and served by sessions of `protocol`, on the event loops.
    ///
    /// # Blocking
    /// While a host name is resolved.
    pub(crate) fn serve(&self, address: Address, protocol: Arc<dyn Protocol>) -> Result<LocalAddress, StartError> {
        self.open_listener(address, drive::on_this_platform(protocol))
    }

    fn open_listener(&self, address: Address, service: Service) -> Result<LocalAddress, StartError> {
        let core = &self.core;
        let text = shown(&address);
        let failed = |source: io::Error| StartError::Bind { address: owned(&text), source };
        let no_thread = |source| StartError::Thread { name: "an event loop".into(), source };
        let check_open = |phase: Phase| {
            let open = phase == Phase::Open && core.stop.stops().stage() < Stage::Draining;
            if open { Ok(()) } else { Err(StartError::Stopping) }
        };
        check_open(core.phase())?;
        // Without the lock, which the coordinator needs: a name server may take its time.
        let mut listener = Listener::open(address).map_err(failed)?;
        core.hang_bells().map_err(failed)?;
        let local = listener.local().clone();
        let paces = match &service {
            Service::Blocking(_) => None,
            Service::Sessions(protocol) => Some(protocol.paces()),
        };

        let mut control = core.control();
        check_open(core.phase())?;
        let held = Held::take(core).map_err(|DrainClosed| StartError::Stopping)?;
        let token = control.next_token();
        if core.first().is_none() {
            control.registry = Some(self.start_first_loop().map_err(no_thread)?);
        }
        if let Some(paces) = paces {
            self.start_all_loops().map_err(no_thread)?;
            control.paces.push(paces);
        }
        if let Some(registry) = &control.registry {
            listener.register(registry, token).map_err(failed)?;
        }
        let listener = Arc::new(listener);
        control.listeners.push(Arc::clone(&listener));
        control.new_doors.push(Door { token, listener, service, held, state: DoorState::new() });
        // Before the phase can change: the first loop would say that there are no listeners any more.
        core.publish();
        drop(control);
        core.observer.info("listener started", [("address", shown(&local).into())]);
        Ok(local)
    }

    /// Under the lock of `control`.
    fn start_first_loop(&self) -> io::Result<mio::Registry> {
        let (poll, waker) = new_poll()?;
        let registry = poll.registry().try_clone()?;
        self.core.crew.have_spares(&self.core, 1)?;
        self.core.set_first(self.start_loop(poll, waker, Some(Entrance::new())));
        Ok(registry)
    }

    /// There is a spare thread for it.
    fn start_loop(&self, poll: mio::Poll, waker: Arc<mio::Waker>, entrance: Option<Entrance>) -> Arc<Loop> {
        let (running, ended) = channel();
        let this = Arc::new(Loop::new(waker));
        self.core.crew.hand(&this, Reactor::new(poll, entrance, running));
        self.ended().push(ended);
        this
    }

    /// Those that serve sessions beside the first, and what they need. Under the lock of `control`.
    fn start_all_loops(&self) -> io::Result<()> {
        let core = &self.core;
        let Some(first) = core.first().filter(|_| !core.has_all_loops()) else { return Ok(()) };
        // All that can fail comes first: a loop that nobody knows of would never end.
        let polls = (1..core.limits.loops).map(|_| new_poll()).collect::<io::Result<Vec<_>>>()?;
        core.crew.have_spares(core, polls.len())?;
        core.sentry.start(core)?;
        let others = polls.into_iter().map(|(poll, waker)| self.start_loop(poll, waker, None));
        let loops: Vec<_> = [Arc::clone(first)].into_iter().chain(others).collect();
        for this in &loops {
            for stage in [Stage::Draining, Stage::Cancelling] {
                core.stop.stops().register(stage, Arc::clone(this.waker()));
            }
        }
        core.set_loops(loops);
        Ok(())
    }

    /// Takes a connection that a foreign accept loop accepted onto the books: it holds the drain open, is counted, and is cut
    /// at the deadline like our own, until the returned guard is dropped. The socket's mode is left as it is.
    ///
    /// # Errors
    /// The drain has ended; the socket is closed.
    pub(crate) fn adopt(&self, stream: impl Into<Stream>) -> Result<Connection, DrainClosed> {
        let stream = stream.into();
        let held = Held::take(&self.core)?;
        // A peer that has reset the connection already has no address any more.
        let peer = stream.peer().unwrap_or_else(|_| PeerAddress::unknown());
        let arrival = Arrival { stream, peer, since: clock::now(), activity: Activity::Busy };
        let conn = self.core.registry.add(arrival, held).map_err(|_| DrainClosed)?;
        Ok(Connection::new(conn))
    }

    /// Where connections are accepted at present.
    pub(crate) fn listeners(&self) -> Vec<LocalAddress> {
        self.core.control().listeners.iter().map(|listener| listener.local().clone()).collect()
    }

    /// Has the event loops notice a stage that no change of the engine's own comes with. Returns at once.
    pub(crate) fn announce(&self) {
        for this in self.core.loops() {
            this.wake();
        }
    }

    /// Has all listeners accept what waits for them, and close. Returns at once.
    pub(crate) fn stop_listeners(&self) {
        self.advance(Phase::Stopping);
    }

    /// The drain's deadline: counts every open connection as cut, shuts their sockets down, which brings back handlers that
    /// are blocked on them, and closes listeners that are not through yet. Tells how many were cut.
    pub(crate) fn cut(&self) -> u64 {
        let open = self.core.registry.cut();
        for conn in &open {
            // It fails only for a socket whose peer has gone already.
            drop(conn.stream.shutdown(Shutdown::Both));
        }
        for job in self.core.pool.clear() {
            let burial = match job {
                Job::Connection(ConnectionJob { handler, connection, held }) => {
                    drop((connection, held));
                    Burial::Service(Service::Blocking(handler))
                }
                Job::Session(SessionJob { seat, .. }) => {
                    drop(seat.connection);
                    Burial::Session(seat.session)
                }
            };
            self.core.control().abandoned.push(burial);
        }
        self.core.publish();
        self.advance(Phase::Closing);
        open.len() as u64
    }

    /// What became of every connection so far; balanced at any instant.
    pub(crate) fn counts(&self) -> ConnectionCounts {
        self.core.registry.counts()
    }

    /// What those that are open are doing.
    pub(crate) fn states(&self) -> ConnectionStates {
        self.core.registry.states()
    }

    /// What is still open, or in a handler that outlives its connection: the oldest of those that are at work first.
    pub(crate) fn open(&self) -> OpenConnections {
        OpenConnections::look(&self.core)
    }

    /// How many requests sessions have received and answered.
    pub(crate) fn requests(&self) -> RequestCounts {
        let crowd = &self.core.crowd;
        // Answers first: a request that comes in between must not look like an answer without one.
        let answered = crowd.answered.load(Ordering::Acquire);
        RequestCounts { received: crowd.received.load(Ordering::Acquire), answered }
    }

    /// Counters of a protocol, made with the first call for their group.
    pub(crate) fn counter_group(&self, group: &'static str, names: &[&'static str]) -> Arc<Counters> {
        self.core.counters.group(group, names)
    }

    /// What all of them stand at.
    pub(crate) fn counters(&self) -> Vec<CounterGroup> {
        self.core.counters.read()
    }

    /// Ends all threads but those in a handler, which end when it returns. Closes what is left of the listeners.
    ///
    /// # Blocking
    /// For as long as idle threads take to end: well below a millisecond each, 450 ms at worst (unless a handler has left a
    /// thread-local behind whose destructor hangs).
    pub(crate) fn finish(&self) {
        self.advance(Phase::Ended);
        let until = clock::now().checked_add(ENDING);
        for ended in std::mem::take(&mut *self.ended()) {
            // It says nothing, it disconnects. A destructor may hold a loop up; the process ends without it.
            let _: Result<Infallible, Missing> = ended.recv_timeout(until.map_or(ENDING, clock::until));
        }
        // It may hand a loop to the crew to its last moment.
        self.core.sentry.end();
        self.core.crew.close();
        self.core.pool.close();
    }

    fn advance(&self, phase: Phase) {
        let (before, has_loop) = self.core.advance(phase);
        if !has_loop && before == Phase::Open {
            (self.core.events)(EngineEvent::ListenersStopped);
        }
    }

    fn ended(&self) -> MutexGuard<'_, Vec<Receiver<Infallible>>> {
        self.ended.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn new_poll() -> io::Result<(mio::Poll, Arc<mio::Waker>)> {
    let poll = mio::Poll::new()?;
    let waker = mio::Waker::new(poll.registry(), WAKER)?;
    Ok((poll, Arc::new(waker)))
}

impl Drop for Engine {
    fn drop(&mut self) {
        self.finish();
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self { workers: 512, queue: 128, requests: 1024, loops: 1, stack: None, idle: Duration::from_secs(10) }
    }
}
