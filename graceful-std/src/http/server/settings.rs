//! A server's limits and timers.

use std::time::Duration;

use crate::http::parser::HeadLimits;

/// Everything that a server can be told; checked nowhere, since every value works.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Settings {
    pub(crate) head: HeadLimits,
    pub(crate) body_bytes: u64,
    pub(crate) connections: usize,
    pub(crate) requests_per_connection: u32,
    pub(crate) head_timeout: Duration,
    pub(crate) body_timeout: Duration,
    pub(crate) write_timeout: Duration,
    pub(crate) keep_alive: Duration,
    pub(crate) writes_while_stopping: Writes,
    pub(crate) handlers: Handlers,
}

/// Where handlers are called.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Handlers {
    /// On the event loop if they are quick, which is learned.
    Learned,
    /// On workers, all of them.
    OnWorkers,
}

/// What becomes of requests that change something while the service stops.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Writes {
    Refused,
    Served,
}

/// A peer that takes or brings less than this, on average and beyond the timeout, is too slow: bytes a second.
pub(crate) const SLOWEST: u64 = 1024;

/// While the service stops, silence in the middle of a body may last so long.
pub(crate) const SILENCE: Duration = Duration::from_secs(5);

/// While the service stops, half of a head is waited for so long.
pub(crate) const HALF_A_HEAD: Duration = Duration::from_secs(2);

/// An idle connection gets so long for a request that crosses the beginning of the drain.
pub(crate) const LAST_CHANCE: Duration = Duration::from_millis(50);

/// One that has just been opened surely has its first request under way.
pub(crate) const FRESH: Duration = Duration::from_secs(1);

/// How long a peer may be silent before it closes its side, so that our last answer is not destroyed by a reset.
pub(crate) const LINGER: Duration = Duration::from_secs(1);

/// How long it may go on sending.
pub(crate) const LONGEST_LINGER: Duration = Duration::from_secs(10);

impl Default for Settings {
    fn default() -> Self {
        Self {
            head: HeadLimits::default(),
            body_bytes: 2 * 1024 * 1024,
            connections: 65_536,
            requests_per_connection: u32::MAX,
            head_timeout: Duration::from_secs(10),
            body_timeout: Duration::from_secs(30),
            write_timeout: Duration::from_secs(30),
            keep_alive: Duration::from_secs(75),
            writes_while_stopping: Writes::Served,
            handlers: Handlers::Learned,
        }
    }
}
