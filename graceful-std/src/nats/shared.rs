//! What the user's threads and the driver's thread share.

use std::sync::atomic::{AtomicU8, AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Instant;

use ::async_nats::{Client, HeaderMap, Message, Subject};
use bytes::Bytes;
use crossbeam_channel::Sender;
use tokio::sync::{Notify, mpsc, oneshot};

use super::Error;
use super::ledger::Ledger;

pub(super) struct Shared {
    /// For messages: without user and password.
    pub(super) address: String,
    state: Mutex<State>,
    /// Something of the state is different.
    changed: Condvar,
    commands: mpsc::UnboundedSender<Command>,
    pub(super) client: OnceLock<Client>,
    /// The driver has something to see to.
    pub(super) kick: Notify,
    /// The driver is to end.
    pub(super) quit: Notify,
}

#[derive(Debug)]
pub(super) struct State {
    pub(super) open: Open,
    pub(super) link: Link,
    pub(super) ledger: Ledger,
    /// The last question to the server that has no answer yet.
    pub(super) echo: Option<u64>,
    /// Who waits until the server has read everything up to that number; told `Err` when the connection breaks.
    pub(super) barriers: Vec<(u64, oneshot::Sender<Reached>)>,
    pub(super) feeds: Vec<Arc<Feed>>,
    /// Messages that the driver dropped because a subscription was full.
    pub(super) dropped: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Open {
    Yes,
    /// No new subscriptions; publishing goes on.
    Draining,
    /// Nothing new.
    Closed,
    /// The thread is through.
    Ended,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Link {
    Down,
    Up,
}

/// How a question to the server ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reached {
    Lost,
    Yes,
}

/// What the driver's thread is asked for.
#[derive(Debug)]
pub(super) enum Command {
    /// To be told when the server has read everything before it.
    Barrier(oneshot::Sender<Reached>),
    Publish {
        subject: Subject,
        reply: Option<Subject>,
        headers: Option<HeaderMap>,
        payload: Bytes,
    },
    Request {
        subject: Subject,
        payload: Bytes,
        until: Instant,
        answer: Sender<Result<Message, Error>>,
    },
    Subscribe {
        subject: Subject,
        group: Option<String>,
        feed: Arc<Feed>,
        messages: Sender<Message>,
        done: Sender<Result<(), Error>>,
    },
}

/// A subscription, from both sides.
#[derive(Debug)]
pub(super) struct Feed {
    pub(super) subject: String,
    stage: AtomicU8,
    /// Messages that were put where the user takes them from.
    received: AtomicU64,
    /// Messages that the user is through with.
    handled: AtomicU64,
    /// There is room again.
    pub(super) room: Notify,
    /// The server is to send nothing more.
    pub(super) leave: Notify,
}

/// Of a feed, in this order.
const RECEIVING: u8 = 0;
const ENDED: u8 = 1;
/// The user has let go of it.
const DROPPED: u8 = 2;

impl Shared {
    pub(super) fn new(address: String) -> (Arc<Self>, mpsc::UnboundedReceiver<Command>) {
        let (commands, receiver) = mpsc::unbounded_channel();
        let state = State {
            open: Open::Yes,
            link: Link::Up,
            ledger: Ledger::default(),
            echo: None,
            barriers: Vec::new(),
            feeds: Vec::new(),
            dropped: 0,
        };
        let shared = Self {
            address,
            state: Mutex::new(state),
            changed: Condvar::new(),
            commands,
            client: OnceLock::new(),
            kick: Notify::new(),
            quit: Notify::new(),
        };
        (Arc::new(shared), receiver)
    }

    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Changes the state and tells everybody.
    pub(super) fn change<T>(&self, change: impl FnOnce(&mut State) -> T) -> T {
        let result = change(&mut self.state());
        self.changed.notify_all();
        result
    }

    pub(super) fn tell(&self) {
        // Whoever has looked is waiting by now.
        drop(self.state());
        self.changed.notify_all();
    }

    /// Waits until `ready`, or the instant: then `false`.
    pub(super) fn wait_until(&self, until: Instant, mut ready: impl FnMut(&State) -> bool) -> bool {
        let mut state = self.state();
        while !ready(&state) {
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return false;
            }
            state = self.changed.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0;
        }
        true
    }

    /// Gives the driver something to do. Its order is that of the calls when the state is locked meanwhile.
    pub(super) fn send(&self, command: Command) -> Result<(), Error> {
        self.commands.send(command).map_err(|_| Error::Closed)
    }
}

impl Feed {
    pub(super) fn new(subject: &str) -> Self {
        Self {
            subject: subject.to_owned(),
            stage: AtomicU8::new(RECEIVING),
            received: AtomicU64::new(0),
            handled: AtomicU64::new(0),
            room: Notify::new(),
            leave: Notify::new(),
        }
    }

    pub(super) fn note_received(&self) {
        self.received.fetch_add(1, Ordering::AcqRel);
    }

    pub(super) fn note_not_received(&self) {
        self.received.fetch_sub(1, Ordering::AcqRel);
    }

    pub(super) fn note_handled(&self) {
        self.handled.fetch_add(1, Ordering::AcqRel);
    }

    pub(super) fn note_ended(&self) {
        self.stage.fetch_max(ENDED, Ordering::AcqRel);
    }

    pub(super) fn note_dropped(&self) {
        self.stage.fetch_max(DROPPED, Ordering::AcqRel);
    }

    /// Messages that were received and not handled.
    pub(super) fn unread(&self) -> u64 {
        self.received.load(Ordering::Acquire).saturating_sub(self.handled.load(Ordering::Acquire))
    }

    /// Whether nothing more comes, and what came is handled, or nobody is there to handle it.
    pub(super) fn is_through(&self) -> bool {
        match self.stage.load(Ordering::Acquire) {
            RECEIVING => false,
            ENDED => self.unread() == 0,
            _ => true,
        }
    }
}
