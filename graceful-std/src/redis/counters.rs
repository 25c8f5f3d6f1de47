//! What is counted, and the line that it makes.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use crate::pool::PoolStatus;

/// Shared by all connections of one [`Redis`](super::Redis).
#[derive(Debug, Default)]
pub(super) struct Counters {
    pub(super) commands: AtomicU64,
    pub(super) errors: AtomicU64,
    pub(super) pings: AtomicU64,
    pub(super) flushed: AtomicU64,
    pub(super) messages: AtomicU64,
    /// Which commands the closing of the pool has ended.
    cancelled: Mutex<Vec<String>>,
}

impl Counters {
    pub(super) fn note_cancelled(&self, command: String) {
        self.cancelled.lock().unwrap_or_else(PoisonError::into_inner).push(command);
    }

    pub(super) fn cancelled(&self) -> Vec<String> {
        self.cancelled.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(super) fn add(counter: &AtomicU64, number: usize) {
        counter.fetch_add(number as u64, Ordering::Relaxed);
    }
}

/// What a [`Redis`](super::Redis) has done so far. Its text is one line for the log.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Statistics {
    /// Commands that were sent, each of a pipeline counted, pings and what was pending included.
    pub commands: u64,
    /// Errors that the server answered with, and connections that broke in the middle of a command.
    pub errors: u64,
    /// Calls of [`Redis::ping`](super::Redis::ping) that were answered.
    pub pings: u64,
    /// Commands that were [pending](super::Redis::push) and have been answered.
    pub flushed: u64,
    /// Commands that are pending.
    pub pending: usize,
    /// Messages that subscriptions have received.
    pub messages: u64,
    /// The pool.
    pub pool: PoolStatus,
}

impl Statistics {
    pub(super) fn new(counters: &Counters, pending: usize, pool: PoolStatus) -> Self {
        let count = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        Self {
            commands: count(&counters.commands),
            errors: count(&counters.errors),
            pings: count(&counters.pings),
            flushed: count(&counters.flushed),
            pending,
            messages: count(&counters.messages),
            pool,
        }
    }
}

impl fmt::Display for Statistics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { commands, errors, pings, flushed, pending, messages, pool } = self;
        write!(f, "{commands} commands, {errors} errors, {pings} pings, {flushed} flushed, {pending} pending, ")?;
        write!(f, "{messages} messages, {} connections, {} idle, {} out", pool.connections, pool.idle, pool.out)
    }
}
