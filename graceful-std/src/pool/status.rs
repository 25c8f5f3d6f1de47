//! How a pool stands, and how it was closed.

use std::fmt;

use super::Holder;

/// How a pool stands.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct PoolStatus {
    /// The pool's name.
    pub name: String,
    /// Whether it gives connections out.
    pub state: PoolState,
    /// How many connections are open. None are known once the pool closes them.
    pub connections: usize,
    /// How many of them nobody has.
    pub idle: usize,
    /// How many threads have one, or are being given one.
    pub out: usize,
    /// How many threads wait in [`Pool::get`](super::Pool::get) because all are out.
    pub waiting: usize,
    /// Those who have one, the longest first.
    pub holders: Vec<Holder>,
}

/// Whether a pool gives connections out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum PoolState {
    /// It does.
    Open,
    /// No more; some may still be out.
    Closing,
    /// Everything is closed.
    Closed,
}

/// How a pool was closed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct PoolClosed {
    /// Connections that nobody had when the closing began.
    pub idle: usize,
    /// Connections that came back by themselves.
    pub returned: usize,
    /// Connections that came back after what they did was cancelled.
    pub cancelled: usize,
}

impl fmt::Display for PoolClosed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} idle, {} returned, {} cancelled", self.idle, self.returned, self.cancelled)
    }
}
