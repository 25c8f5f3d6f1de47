//! The thread that notices when a session holds up its loop, and gives the loop to another thread. It wakes loops for their
//! timers, too.

use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, OnceLock};
use std::thread::{self, JoinHandle, Thread};
use std::time::Duration;

use super::core::Core;
use super::desk::Desk;
use super::doze::Doze;
use super::event_loop::Loop;
use super::slot::Run;
use crate::runtime::stuck;
use crate::sync::lock;
use crate::{clock, sys, threads};

/// How often it looks. A session that blocks is noticed at the second look: it has held up its loop for longer than this, and
/// for less than two.
const TICK: Duration = Duration::from_millis(1);

/// One that computes, or waits for a processor, is noticed after so many looks: most such are back by then, and another thread
/// would have to wait for a processor as well.
const LOOKS: u32 = 5;

/// After so many looks without any run it sleeps, until a loop wakes up.
const PATIENCE: u32 = 100;

pub(super) struct Sentry {
    doze: Doze,
    at_its_end: AtomicBool,
    thread: OnceLock<Thread>,
    handle: Mutex<Option<JoinHandle<()>>>,
}

impl Sentry {
    pub(super) fn new() -> Self {
        Self {
            doze: Doze::new(),
            at_its_end: AtomicBool::new(false),
            thread: OnceLock::new(),
            handle: Mutex::new(None),
        }
    }

    /// Starts it, for the first protocol. Called under the lock of `control`.
    pub(super) fn start(&self, core: &Arc<Core>) -> io::Result<()> {
        let mut handle = lock(&self.handle);
        if handle.is_none() {
            let core = Arc::clone(core);
            *handle = Some(threads::spawn("gf-sentry", move || {
                sys::block_signals();
                watch(&core);
            })?);
        }
        Ok(())
    }

    /// A loop has something to do, and is known to be [awake](Loop::is_awake).
    pub(super) fn stay_awake(&self) {
        self.doze.wake(|| {
            if let Some(thread) = self.thread.get() {
                thread.unpark();
            }
        });
    }

    /// Ends it. No loop is taken over any more.
    pub(super) fn end(&self) {
        self.at_its_end.store(true, Ordering::SeqCst);
        let handle = lock(&self.handle).take();
        if let Some(handle) = handle {
            handle.thread().unpark();
            if handle.thread().id() != thread::current().id() {
                // It runs nobody's code.
                drop(handle.join());
            }
        }
    }
}

fn watch(core: &Arc<Core>) {
    let sentry = &core.sentry;
    drop(sentry.thread.set(thread::current()));
    let mut seen = Vec::new();
    let mut quiet = 0;
    while !sentry.at_its_end.load(Ordering::SeqCst) {
        let lively = look(core, &mut seen);
        quiet = if lively { 0 } else { quiet + 1 };
        if quiet < PATIENCE {
            thread::park_timeout(TICK);
            continue;
        }
        let is_anybody_awake = || core.loops().iter().any(|this| this.is_awake());
        sentry.doze.sleep(is_anybody_awake, || match core.loops().iter().filter_map(|this| this.alarm()).min() {
            Some(alarm) => thread::park_timeout(clock::until(alarm)),
            None => thread::park(),
        });
        quiet = 0;
    }
}

/// What was seen of a loop.
#[derive(Clone, Copy, Default)]
struct Seen {
    run: Run,
    /// How often the same run was seen again.
    again: u32,
}

/// Whether any loop has worked since the last look, or works now.
fn look(core: &Arc<Core>, seen: &mut Vec<Seen>) -> bool {
    let loops = core.loops();
    seen.resize(loops.len(), Seen::default());
    let mut lively = false;
    let now = clock::now();
    for (this, seen) in loops.iter().zip(seen) {
        this.ring(now);
        let run = this.slot.run();
        if run != seen.run {
            *seen = Seen { run, again: 0 };
            lively = true;
        } else if run.is_on() {
            seen.again += 1;
            lively = true;
            match stuck::is_blocked(this.slot.leader(|desk| desk.serving().1)) {
                Some(true) | None => take_over(core, this, run, blame),
                Some(false) if seen.again >= LOOKS => take_over(core, this, run, |_, _| ()),
                Some(false) => {}
            }
        }
    }
    lively
}

fn take_over(core: &Arc<Core>, this: &Arc<Loop>, run: Run, blame: impl FnOnce(&Core, &Desk)) {
    // First the thread: without one, the loop has to wait for its session.
    if core.crew.have_spares(core, 1).is_err() {
        return;
    }
    let mut connection = 0;
    let seized = this.slot.seize(run, |desk| {
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
    for pace in core.control().paces.iter().flat_map(|paces| paces.iter()).filter(|pace| desk.is_at(pace)) {
        pace.punish();
    }
}
