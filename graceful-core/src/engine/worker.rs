//! One thread that runs handlers, one connection at a time from its start to its end.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::thread::{self, JoinHandle, Thread};

use super::bell::Home;
use super::core::Core;
use super::desk::Desk;
use super::event_loop::Letter;
use super::pool::{ConnectionJob, Job, SessionJob};
use super::protocol::Wake;
use super::registry::Activity;
use super::turn::{Buffers, Place, Timing, Turn};
use crate::text::shown;
use crate::{clock, panics};

/// What a worker is doing, for the report.
pub(super) struct Slot {
    number: u64,
    /// Set by the worker before it is idle for the first time.
    thread: OnceLock<Thread>,
    kernel_id: AtomicU64,
    /// The connection whose handler runs, 0 for none.
    serving: AtomicU64,
}

impl Slot {
    pub(super) fn new(number: u64) -> Self {
        Self { number, thread: OnceLock::new(), kernel_id: AtomicU64::new(0), serving: AtomicU64::new(0) }
    }

    pub(super) fn number(&self) -> u64 {
        self.number
    }

    pub(super) fn wake(&self) {
        if let Some(thread) = self.thread.get() {
            thread.unpark();
        }
    }

    /// Which connection's handler runs, and the kernel's number of the thread that it runs on.
    pub(super) fn serving(&self) -> Option<(u64, u64)> {
        match self.serving.load(Ordering::Relaxed) {
            0 => None,
            id => Some((id, self.kernel_id.load(Ordering::Relaxed))),
        }
    }

    pub(super) fn take_up(&self, id: u64) {
        self.serving.store(id, Ordering::Relaxed);
    }

    fn rest(&self) {
        self.serving.store(0, Ordering::Relaxed);
    }
}

/// The life of a worker that was started for a job.
pub(super) fn work(core: &Arc<Core>, slot: &Arc<Slot>) {
    // A second call is impossible, and would find the same thread.
    let _ = slot.thread.set(thread::current());
    slot.kernel_id.store(crate::sys::thread_id(), Ordering::Relaxed);
    let mut sent_for = true;
    let desk = Desk::new();
    let mut buffers = None;
    while let Some(job) = core.pool.next(core, slot, std::mem::take(&mut sent_for)) {
        match job {
            Job::Connection(job) => serve(core, slot, job),
            Job::Session(job) => run(core, slot, job, &desk, buffers.get_or_insert_with(Buffers::new)),
        }
    }
}

pub(super) fn join(threads: Vec<JoinHandle<()>>) {
    for handle in threads {
        // The runtime may be dropped by what a handler owned, and nobody can wait for himself.
        if handle.thread().id() != thread::current().id() {
            // A worker catches every panic; one in a thread-local's destructor would abort.
            drop(handle.join());
        }
    }
}

fn serve(core: &Arc<Core>, slot: &Slot, job: ConnectionJob) {
    let ConnectionJob { connection, handler, held } = job;
    connection.begin();
    let (id, peer) = (connection.id(), connection.peer().clone());
    // What the handler captured and its error are dropped, and the error is shown, inside: those may panic as well.
    let ended = panics::catch(move || {
        let result = handler(connection).map_err(|error| shown(&error));
        drop(handler);
        result
    });
    match ended {
        Ok(Ok(())) => {}
        Ok(Err(error)) => {
            let fields = [("connection", id.into()), ("peer", shown(&peer).into()), ("error", error.into())];
            core.observer.debug("handler failed", fields);
        }
        Err(message) => {
            let fields = [("connection", id.into()), ("peer", shown(&peer).into()), ("panic", message.into())];
            core.observer.error("handler panicked", fields);
        }
    }
    slot.rest();
    drop(held);
}

/// Runs a session and sends it back to its loop.
fn run(core: &Core, slot: &Slot, job: SessionJob, desk: &Desk, buffers: &mut Buffers) {
    let SessionJob { home, place, mut seat } = job;
    seat.connection.set_activity(Activity::Busy);
    let now = clock::now();
    let turn = Turn {
        wake: Wake::Work,
        place: Place::Worker,
        now,
        desk,
        observer: &core.observer,
        crowd: &core.crowd,
        timing: &Timing::new(now),
        home: Home::Loop(&home, place),
    };
    let next = seat.run(&turn, buffers);
    buffers.reset();
    let seat = seat.unless_closed(next);
    slot.rest();
    home.post(Letter::Home { place, seat, next });
}
