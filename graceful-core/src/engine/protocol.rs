//! What a protocol is to the engine: something that makes sessions, which run for a moment whenever something happens.

use std::sync::Arc;
use std::time::Instant;

use super::connection::Connection;
use super::pace::Pace;
use super::turn::{Buffers, Turn};

/// A protocol, such as HTTP: it makes a session for each connection that comes in.
pub trait Protocol: Send + Sync + 'static {
    /// A connection has come in.
    ///
    /// # Blocking
    /// Must not: this runs on an event loop.
    fn open(&self, connection: &Connection) -> Box<dyn Session>;

    /// Those that [`Turn::call`] is given: when a handler holds a loop up, its route is found among them. Asked for once.
    fn paces(&self) -> Arc<[Pace]>;
}

/// One connection's side of a protocol. It is parked while nothing happens, and run when something does.
///
/// It is run by one thread at a time, not always the same.
pub trait Session: Send {
    /// Does what can be done now, and says what it waits for.
    ///
    /// # Blocking
    /// On an event loop it must not block on the connection; what else blocks by surprise costs the others of that loop a few
    /// milliseconds, until another thread leads it. After [`Next::Work`] it runs on a worker, where it may block.
    fn run(&mut self, connection: &Connection, turn: &Turn<'_>, buffers: &mut Buffers) -> Next;

    /// What takes this session's place after [`Next::Become`]: it is run at once, and looks for itself what is there. Asked for
    /// once.
    fn successor(&mut self, _connection: &Connection) -> Option<Box<dyn Session>> {
        None
    }

    /// Whether it wants to be run with [`Wake::Announced`].
    fn wants_announcement(&self) -> bool {
        false
    }
}

/// Why a session is run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wake {
    /// A shutdown has been requested, and the service still serves: the lame duck. Told once, when the session is parked, to
    /// those that [want it](Session::wants_announcement), unless the drain begins at once.
    Announced,
    /// Somebody has rung its [`Bell`](super::Bell).
    Called,
    /// Asked for with [`Next::Work`], and no worker can be had: the queue is full. On the loop.
    Overloaded,
    /// The drain's deadline is near, or a second signal has come: what is left will be cut. Told once, when the session is
    /// parked.
    Cancelled,
    /// There may be bytes to read, or room to write.
    Ready {
        /// The peer has closed its side, or may have: reading will come to an end of file.
        hung_up: bool,
    },
    /// The drain has begun. Told once, when the session is parked or comes to be.
    Stopping,
    /// What it waited for did not happen in time.
    TimedOut,
    /// Asked for with [`Next::Work`]: this is the worker.
    Work,
}

/// What a session waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    /// Another session, see [`Session::successor`]: the connection changes its protocol.
    Become,
    /// Nothing: the connection is to be closed.
    Close(Ending),
    /// Bytes, for no longer than `until`.
    Read {
        /// What it is doing meanwhile.
        doing: Doing,
        /// [`Wake::TimedOut`] comes then. Timers are coarse: up to 20 ms late.
        until: Option<Instant>,
    },
    /// A worker. No timer runs meanwhile.
    Work,
    /// Room to write, for no longer than `until`.
    Write {
        /// As for `Read`.
        until: Option<Instant>,
    },
}

/// What a session that waits is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Doing {
    /// Between two requests: closing it loses nothing.
    Idle,
    /// In the middle of something.
    Busy,
}

/// How a connection ended, for the books.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// By itself, or by the peer.
    Completed,
    /// Given up in the middle of something, since the service stops.
    Cut,
    /// The session itself panicked.
    Failed,
    /// Told to stop while idle.
    Idle,
}

/// A protocol, as listeners share it.
pub(super) type Shared = Arc<dyn Protocol>;
