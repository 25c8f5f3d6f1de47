//! What a session is handed when it is run.

use std::cell::Cell;
use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use super::bell::{Bell, Home};
use super::connection::Connection;
use super::desk::Desk;
use super::pace::Pace;
use super::protocol::Wake;
use crate::observe::Observer;
use crate::text::shown;
use crate::{clock, panics};

/// The size of a thread's read buffer: what a pipelining client can have in flight, and a good piece of an upload.
const INPUT: usize = 64 * 1024;

/// An output buffer that grew beyond this is not kept.
const OUTPUT: usize = 256 * 1024;

/// One run of a session: why, and where.
pub struct Turn<'a> {
    pub(super) wake: Wake,
    pub(super) place: Place,
    pub(super) now: Instant,
    pub(super) desk: &'a Desk,
    pub(super) observer: &'a Observer,
    pub(super) crowd: &'a Crowd,
    pub(super) timing: &'a Timing,
    pub(super) home: Home<'a>,
}

/// A thread's look at the clock, which is not free: for handlers that are known to be quick it looks once in a while only, and
/// sees what the calls since then took on average, with everything between them.
#[derive(Debug)]
pub(super) struct Timing {
    last: Cell<Instant>,
    /// Calls since then.
    calls: Cell<u32>,
    /// Calls until it looks again.
    left: Cell<u32>,
}

/// It looks at each so-manieth call.
const GLANCE: u32 = 8;

impl Timing {
    pub(super) fn new(now: Instant) -> Self {
        Self { last: Cell::new(now), calls: Cell::new(0), left: Cell::new(GLANCE) }
    }

    /// The clock was read for something else.
    pub(super) fn set(&self, now: Instant) {
        self.last.set(now);
        self.calls.set(0);
    }

    /// A call has come to its end; the average, if this is one to look at.
    fn glance(&self) -> Option<Duration> {
        let calls = self.calls.get() + 1;
        self.calls.set(calls);
        let left = self.left.get() - 1;
        if left > 0 {
            self.left.set(left);
            return None;
        }
        self.left.set(GLANCE);
        let now = clock::now();
        let took = now.saturating_duration_since(self.last.get());
        self.set(now);
        Some(took / calls)
    }
}

/// Which thread runs a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// An event loop's: others wait.
    Loop,
    /// A worker, which may block.
    Worker,
}

/// The buffers of the thread that runs a session. What they hold is gone when the run ends.
///
/// They are lent apart from the [`Turn`], so that a handler can be called while they are in use.
pub struct Buffers {
    /// 64 KiB to read into.
    pub input: Box<[u8]>,
    /// Empty, to put an answer together in.
    pub output: Vec<u8>,
}

/// Requests that sessions are at work on, counted over all of them.
#[derive(Debug, Default)]
pub(super) struct Crowd {
    pub(super) received: AtomicU64,
    pub(super) answered: AtomicU64,
}

impl Turn<'_> {
    /// Why the session is run.
    #[must_use]
    pub fn wake(&self) -> Wake {
        self.wake
    }

    /// Where.
    #[must_use]
    pub fn place(&self) -> Place {
        self.place
    }

    /// The time when the run began, or a little before: good enough for timers.
    #[must_use]
    pub fn now(&self) -> Instant {
        self.now
    }

    /// The time, read now.
    #[must_use]
    pub fn read_clock(&self) -> Instant {
        clock::now()
    }

    /// Runs a handler, measures it for its route, and lets a loop that it holds up be taken over. A panic in it comes back as
    /// its message.
    ///
    /// # Errors
    /// The message of the handler's panic.
    pub fn call<T>(&self, pace: &Pace, handler: impl FnOnce() -> T) -> Result<T, String> {
        self.desk.begin(pace);
        if self.place == Place::Worker || pace.is_suspect() {
            let before = clock::now();
            let result = panics::catch(handler);
            let after = clock::now();
            self.timing.set(after);
            pace.note(after.saturating_duration_since(before));
            return result;
        }
        let result = panics::catch(handler);
        if let Some(average) = self.timing.glance() {
            pace.note_roughly(average);
        }
        result
    }

    /// What other threads can ring to have this session run.
    #[must_use]
    pub fn bell(&self, connection: &Connection) -> Bell {
        self.home.bell(connection.id())
    }

    /// Counts requests whose heads have arrived.
    pub fn received(&self, requests: u64) {
        self.crowd.received.fetch_add(requests, Ordering::Relaxed);
    }

    /// Counts requests whose answers have been handed to the kernel.
    pub fn answered(&self, requests: u64) {
        self.crowd.answered.fetch_add(requests, Ordering::Relaxed);
    }

    /// Tells the logs about something that went wrong with one connection, at the debug level.
    #[cold]
    #[inline(never)]
    pub fn debug(&self, fact: &'static str, connection: u64, error: &dyn fmt::Display) {
        self.observer.debug(fact, [("connection", connection.into()), ("error", shown(&error).into())]);
    }

    /// Tells the logs about a handler that panicked or failed.
    #[cold]
    #[inline(never)]
    pub fn error(&self, fact: &'static str, connection: u64, error: &dyn fmt::Display) {
        self.observer.error(fact, [("connection", connection.into()), ("error", shown(&error).into())]);
    }
}

impl Buffers {
    pub(super) fn new() -> Self {
        Self { input: vec![0; INPUT].into_boxed_slice(), output: Vec::new() }
    }

    /// Ready for another session.
    pub(super) fn reset(&mut self) {
        self.output.clear();
        if self.output.capacity() > OUTPUT {
            self.output = Vec::new();
        }
    }
}

impl fmt::Debug for Turn<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Turn").field("wake", &self.wake).field("place", &self.place).finish_non_exhaustive()
    }
}

impl fmt::Debug for Buffers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Buffers").field("output", &self.output.len()).finish_non_exhaustive()
    }
}

/// Late by at most that: sessions are told so.
pub(super) const COARSE: Duration = Duration::from_millis(20);
