//! What a thread that runs sessions is at work on, for others to look at.

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::thread::{self, ThreadId};

use super::pace::Pace;

/// One thread's. The thread writes, others look, and may see it a moment late.
#[derive(Debug)]
pub(super) struct Desk {
    owner: ThreadId,
    /// The kernel's number of the thread.
    thread: AtomicU64,
    /// The connection whose session runs, 0 for none.
    connection: AtomicU64,
    /// Where the pace of the route lies whose handler runs: an address, only ever compared.
    pace: AtomicUsize,
}

impl Desk {
    /// Of the calling thread.
    pub(super) fn new() -> Self {
        let thread = AtomicU64::new(crate::sys::thread_id());
        Self { owner: thread::current().id(), thread, connection: AtomicU64::new(0), pace: AtomicUsize::new(0) }
    }

    pub(super) fn owner(&self) -> ThreadId {
        self.owner
    }

    pub(super) fn take_up(&self, connection: u64) {
        self.connection.store(connection, Ordering::Relaxed);
        self.pace.store(0, Ordering::Relaxed);
    }

    pub(super) fn begin(&self, pace: &Pace) {
        self.pace.store(std::ptr::from_ref(pace).addr(), Ordering::Relaxed);
    }

    /// The connection's number and the kernel's of the thread.
    pub(super) fn serving(&self) -> (u64, u64) {
        (self.connection.load(Ordering::Relaxed), self.thread.load(Ordering::Relaxed))
    }

    /// Whether this is the route that runs here.
    pub(super) fn is_at(&self, pace: &Pace) -> bool {
        self.pace.load(Ordering::Relaxed) == std::ptr::from_ref(pace).addr()
    }
}
