//! Connections: accepted, given to handlers, kept on the books, and brought to an end without losing one.
//!
//! ```text
//! listener -> accept loop -> registry (counted) -> pool (queue) -> worker: handler(Connection) -> dropped: counted, closed
//! ```
//!
//! One thread accepts for all listeners. A worker serves one connection from its start to its end, since handlers block.
//! Everything that is open holds one shared ticket, so the drain ends when the last of it is gone.

mod accept;
mod address;
mod connection;
mod core;
mod counts;
mod door;
mod endpoint;
mod hold;
mod linger;
mod listener;
mod pool;
mod registry;
mod report;
mod stream;
#[cfg(test)]
mod tests;
#[cfg(unix)]
mod unix_path;
mod wait;
mod worker;

use std::io;
use std::net::Shutdown;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

pub use self::address::Address;
pub use self::connection::{Connection, Readable};
pub use self::counts::ConnectionCounts;
pub use self::endpoint::{LocalAddress, PeerAddress};
pub(crate) use self::hold::TICKET;
pub(crate) use self::report::OpenConnections;
pub use self::stream::Stream;

use self::core::{Core, Phase};
use self::door::{Door, DoorState};
use self::hold::Held;
use self::listener::Listener;
use self::pool::Job;
use self::registry::{Activity, Arrival};
use crate::clock;
use crate::error::{BoxError, StartError};
use crate::observe::Observer;
use crate::runtime::stop::{Stage, Stops};
use crate::runtime::tickets::{DrainClosed, Tickets};

/// What serves a connection. It blocks as long as it needs to; when it drops the connection, that is closed.
pub(crate) type Handler = dyn Fn(Connection) -> Result<(), BoxError> + Send + Sync;

/// How long the end waits for the accept thread, which may be dropping what a handler owned.
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
    /// Of a worker's stack, if not the standard library's.
    pub(crate) stack: Option<usize>,
    /// How long a worker stays without work.
    pub(crate) idle: Duration,
}

pub(crate) struct Engine {
    core: Arc<Core>,
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
        Arc::new(Self { core: Core::new(stops, tickets, observer, limits, Box::new(events)) })
    }

    /// Opens a listener; from now on connections are accepted and given to `handler`.
    ///
    /// # Blocking
    /// While a host name is resolved.
    pub(crate) fn listen(&self, address: Address, handler: Arc<Handler>) -> Result<LocalAddress, StartError> {
        let core = &self.core;
        let text = address.to_string();
        let failed = |source: io::Error| StartError::Bind { address: text.clone(), source };
        let check_open = |phase: Phase| {
            let open = phase == Phase::Open && core.stop.stops().stage() < Stage::Draining;
            if open { Ok(()) } else { Err(StartError::Stopping) }
        };
        check_open(core.control().phase)?;
        // Without the lock, which the coordinator needs: a name server may take its time.
        let mut listener = Listener::open(address).map_err(failed)?;
        core.hang_bells().map_err(failed)?;
        let local = listener.local().clone();

        let mut control = core.control();
        check_open(control.phase)?;
        let held = Held::take(core).map_err(|DrainClosed| StartError::Stopping)?;
        let token = control.next_token();
        if control.thread.is_none() {
            let started = mio::Poll::new().and_then(|poll| accept::start(core, poll));
            let failed = |source| StartError::Thread { name: "accepting connections".into(), source };
            control.thread = Some(started.map_err(failed)?);
        }
        if let Some(thread) = &control.thread {
            listener.register(&thread.registry, token).map_err(failed)?;
        }
        let listener = Arc::new(listener);
        control.listeners.push(Arc::clone(&listener));
        control.new_doors.push(Door { token, listener, handler, held, state: DoorState::new() });
        drop(control);
        core.wake_accept_loop();
        core.observer.info("listener started", [("address", local.to_string().into())]);
        Ok(local)
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
        for Job { handler, connection, held } in self.core.pool.clear() {
            drop((connection, held));
            self.core.control().abandoned.push(handler);
        }
        self.advance(Phase::Closing);
        open.len() as u64
    }

    /// What became of every connection so far; balanced at any instant.
    pub(crate) fn counts(&self) -> ConnectionCounts {
        self.core.registry.counts()
    }

    /// What is still open, or in a handler that outlives its connection: the oldest of those that are at work first.
    pub(crate) fn open(&self) -> OpenConnections {
        OpenConnections::look(&self.core)
    }

    /// Ends all threads but those in a handler, which end when it returns. Closes what is left of the listeners.
    ///
    /// # Blocking
    /// For as long as idle threads take to end: well below a millisecond each, 400 ms at worst (unless a handler has left a
    /// thread-local behind whose destructor hangs).
    pub(crate) fn finish(&self) {
        self.advance(Phase::Ended);
        let accept_thread = self.core.control().thread.take();
        if let Some(accept_thread) = accept_thread
            && accept_thread.handle.thread().id() != thread::current().id()
            // It says nothing, it disconnects.
            && accept_thread.ended.recv_timeout(ENDING) == Err(crossbeam_channel::RecvTimeoutError::Disconnected)
        {
            // It catches what it runs of others, so there is no panic to be passed on.
            drop(accept_thread.handle.join());
        }
        self.core.pool.close();
    }

    fn advance(&self, phase: Phase) {
        let no_listener_ever = {
            let mut control = self.core.control();
            let before = control.phase;
            control.phase = before.max(phase);
            control.thread.is_none() && before == Phase::Open
        };
        if no_listener_ever {
            (self.core.events)(EngineEvent::ListenersStopped);
        } else {
            self.core.wake_accept_loop();
        }
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        self.finish();
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self { workers: 512, queue: 128, stack: None, idle: Duration::from_secs(10) }
    }
}
