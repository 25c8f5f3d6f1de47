//! What the engine's threads and connections share.

use std::io;
#[cfg(unix)]
use std::io::PipeReader;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::thread::JoinHandle;

use crossbeam_channel::Receiver;
use mio::Token;

use super::door::Door;
use super::hold::Hold;
use super::listener::Listener;
use super::pool::Pool;
use super::registry::Registry;
use super::{EngineEvent, Handler, Limits};
use crate::observe::Observer;
use crate::runtime::stop::{Stage, Stop, Stops};
use crate::runtime::tickets::Tickets;

pub(super) struct Core {
    pub(super) observer: Observer,
    pub(super) registry: Registry,
    pub(super) pool: Pool,
    pub(super) hold: Hold,
    /// The token of every connection.
    pub(super) stop: Stop,
    pub(super) events: Box<dyn Fn(EngineEvent) + Send + Sync>,
    control: Mutex<Control>,
    /// The one waker of the accept loop's poll, once there is a loop.
    waker: OnceLock<mio::Waker>,
    #[cfg(unix)]
    bells: [OnceLock<Arc<PipeReader>>; 2],
}

/// What the outside tells the accept loop, followed by a wake-up, and what it tells the outside.
#[derive(Default)]
pub(super) struct Control {
    pub(super) phase: Phase,
    pub(super) thread: Option<AcceptThread>,
    pub(super) new_doors: Vec<Door>,
    /// Those that are open.
    pub(super) listeners: Vec<Arc<Listener>>,
    pub(super) last_token: usize,
    /// Handlers of connections that were given up before they had a worker, to be dropped where it may take its time.
    pub(super) abandoned: Vec<Arc<Handler>>,
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

pub(super) struct AcceptThread {
    pub(super) registry: mio::Registry,
    pub(super) handle: JoinHandle<()>,
    /// Disconnects when the loop has ended.
    pub(super) ended: Receiver<()>,
}

impl Control {
    pub(super) fn next_token(&mut self) -> Token {
        self.last_token += 1;
        Token(self.last_token)
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
            registry: Registry::new(),
            pool: Pool::new(limits),
            hold: Hold::new(tickets, Arc::clone(&stops)),
            stop: Stop::new(stops, Stage::Draining, Stage::Cancelling),
            events,
            control: Mutex::default(),
            waker: OnceLock::new(),
            #[cfg(unix)]
            bells: [const { OnceLock::new() }; 2],
        })
    }

    pub(super) fn control(&self) -> MutexGuard<'_, Control> {
        self.control.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn set_waker(&self, waker: mio::Waker) {
        // There is one loop in the life of an engine, started under the lock of `control`.
        drop(self.waker.set(waker));
    }

    pub(super) fn wake_accept_loop(&self) {
        if let Some(waker) = self.waker.get() {
            // It can fail only if the loop is gone, and then nobody is left to be woken.
            drop(waker.wake());
        }
    }

    /// The pipe that ends when `stage` is reached, the same for all connections.
    #[cfg(unix)]
    pub(super) fn bell(&self, stage: Stage) -> io::Result<&PipeReader> {
        let bell = &self.bells[usize::from(stage > Stage::Draining)];
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
        Ok(())
    }

    #[cfg(not(unix))]
    pub(super) fn hang_bells(&self) -> io::Result<()> {
        Ok(())
    }
}
