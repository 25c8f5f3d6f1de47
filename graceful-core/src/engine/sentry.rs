//! The thread that notices when a session holds up its loop, and gives the loop to another thread.

use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::thread::{self, JoinHandle, Thread};
use std::time::Duration;

use super::core::{Core, Phase};
use super::desk::Desk;
use super::event_loop::Loop;
use crate::runtime::stuck;
use crate::sys;

/// How often it looks. A session that blocks is noticed at the second look: it has held up its loop for longer than this, and
/// for less than two.
const TICK: Duration = Duration::from_millis(1);

/// One that computes, or waits for a processor, is noticed after so many looks: most such are back by then, and another thread
/// would have to wait for a processor as well.
const LOOKS: u32 = 5;

/// After so many looks without any run it sleeps, until a loop wakes up.
const PATIENCE: u32 = 100;

pub(super) struct Sentry {
    asleep: AtomicBool,
    thread: OnceLock<Thread>,
    handle: Mutex<Option<JoinHandle<()>>>,
}

impl Sentry {
    pub(super) fn new() -> Self {
        Self { asleep: AtomicBool::new(false), thread: OnceLock::new(), handle: Mutex::new(None) }
    }

    /// Starts it, for the first protocol. Called under the lock of `control`.
    pub(super) fn start(&self, core: &Arc<Core>) -> io::Result<()> {
        let mut handle = self.handle.lock().unwrap_or_else(PoisonError::into_inner);
        if handle.is_none() {
            let core = Arc::clone(core);
            *handle = Some(thread::Builder::new().name("gf-sentry".into()).spawn(move || {
                sys::block_signals();
                watch(&core);
            })?);
        }
        Ok(())
    }

    /// A loop has something to do.
    pub(super) fn stay_awake(&self) {
        if self.asleep.load(Ordering::SeqCst) {
            self.wake();
        }
    }

    /// Ends it, after the loops.
    pub(super) fn end(&self) {
        let handle = self.handle.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(handle) = handle {
            handle.thread().unpark();
            if handle.thread().id() != thread::current().id() {
                // It runs nobody's code.
                drop(handle.join());
            }
        }
    }

    fn wake(&self) {
        if self.asleep.swap(false, Ordering::SeqCst)
            && let Some(thread) = self.thread.get()
        {
            thread.unpark();
        }
    }
}

fn watch(core: &Arc<Core>) {
    let sentry = &core.sentry;
    drop(sentry.thread.set(thread::current()));
    let mut seen = Vec::new();
    let mut quiet = 0;
    // A loop that is held up when everything ends is taken over still, so that it can.
    while !(core.phase() == Phase::Ended && core.crew.is_closed()) {
        let lively = look(core, &mut seen);
        quiet = if lively { 0 } else { quiet + 1 };
        if quiet < PATIENCE {
            thread::park_timeout(TICK);
            continue;
        }
        sentry.asleep.store(true, Ordering::SeqCst);
        // A loop that has begun to work before it could see that.
        if !look(core, &mut seen) {
            thread::park();
        }
        sentry.asleep.store(false, Ordering::SeqCst);
        quiet = 0;
    }
}

/// What was seen of a loop.
#[derive(Clone, Copy, Default)]
struct Seen {
    runs: u64,
    /// How often the same run was seen again.
    again: u32,
}

/// Whether any loop has worked since the last look, or works now.
fn look(core: &Arc<Core>, seen: &mut Vec<Seen>) -> bool {
    let loops = core.loops();
    seen.resize(loops.len(), Seen::default());
    let mut lively = false;
    for (this, seen) in loops.iter().zip(seen) {
        let runs = this.runs();
        let in_a_run = runs % 2 == 1;
        if runs != seen.runs {
            *seen = Seen { runs, again: 0 };
            lively = true;
        } else if in_a_run {
            seen.again += 1;
            lively = true;
            match stuck::is_blocked(this.leader()) {
                Some(true) | None => take_over(core, this, runs, blame),
                Some(false) if seen.again >= LOOKS => take_over(core, this, runs, |_, _| ()),
                Some(false) => {}
            }
        }
    }
    lively
}

fn take_over(core: &Arc<Core>, this: &Arc<Loop>, runs: u64, blame: impl FnOnce(&Core, &Desk)) {
    // First the thread: without one, the loop has to wait for its session.
    if core.crew.have_a_spare(core).is_err() {
        return;
    }
    let mut connection = 0;
    let seized = this.seize(runs, |desk| {
        connection = desk.serving().0;
        blame(core, desk);
        core.crew.lost(Arc::clone(desk));
    });
    if let Some(reactor) = seized {
        core.crew.hand(this, reactor);
        core.observer.debug("event loop taken over", [("connection", connection.into())]);
    }
}

/// The route whose handler runs there blocks: it is to have a worker next time. One that merely takes long is found out when
/// it comes back.
fn blame(core: &Core, desk: &Desk) {
    let protocols: Vec<_> = core.control().protocols.clone();
    for pace in protocols.iter().flat_map(|protocol| protocol.paces()).filter(|pace| desk.is_at(pace)) {
        pace.punish();
    }
}
