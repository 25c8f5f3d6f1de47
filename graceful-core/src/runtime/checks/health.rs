//! What the rest of the runtime knows of checks, whether there are any or not.

use std::io;
use std::sync::{Arc, OnceLock};
use std::time::Instant;

use super::check::Check;
use super::report::CheckReport;
use crate::observe::Observer;
use crate::runtime::app::App;
use crate::sync::atomic::{AtomicBool, Ordering};

/// Belongs to every runtime; what is behind it is linked only where there is a check.
#[derive(Default)]
pub(crate) struct Health {
    flags: Arc<Flags>,
    checks: OnceLock<Arc<dyn Checks>>,
}

/// The checks of a runtime.
pub(super) trait Checks: Send + Sync {
    fn add(&self, check: Check);
    /// Begins to run them.
    fn start(self: Arc<Self>, app: &App) -> io::Result<()>;
    /// Begins no run any more; `true` when one is under way that is worth a moment, and whose end is told as a task's is.
    fn stop(&self, now: Instant, observer: &Observer) -> bool;
    fn reports(&self) -> Vec<CheckReport>;
    /// Drops the bodies.
    fn clear(&self);
}

/// What the checks have come to, for those who ask all the time.
#[derive(Default)]
pub(super) struct Flags {
    unready: AtomicBool,
    dead: AtomicBool,
}

impl Flags {
    pub(super) fn set(&self, unready: bool, dead: bool) {
        self.unready.store(unready, Ordering::SeqCst);
        self.dead.store(dead, Ordering::SeqCst);
    }

    pub(super) fn is_unready(&self) -> bool {
        self.unready.load(Ordering::SeqCst)
    }
}

impl Health {
    /// Whether no critical check of readiness fails or is yet to pass. One atomic load.
    pub(crate) fn is_ready(&self) -> bool {
        !self.flags.is_unready()
    }

    /// Whether no check of liveness fails. One atomic load.
    pub(crate) fn is_alive(&self) -> bool {
        !self.flags.dead.load(Ordering::SeqCst)
    }

    /// The service serves.
    pub(crate) fn start(&self, app: &App) -> io::Result<()> {
        self.checks.get().map_or(Ok(()), |checks| Arc::clone(checks).start(app))
    }

    /// A shutdown was requested. `true` when there is a run to wait for: see [`Checks::stop`].
    pub(crate) fn stop(&self, now: Instant, observer: &Observer) -> bool {
        self.checks.get().is_some_and(|checks| checks.stop(now, observer))
    }

    /// Drops what belongs to the user.
    pub(crate) fn clear(&self) {
        if let Some(checks) = self.checks.get() {
            checks.clear();
        }
    }

    pub(super) fn reports(&self) -> Vec<CheckReport> {
        self.checks.get().map_or_else(Vec::new, |checks| checks.reports())
    }

    pub(super) fn get_or_init(&self, make: impl FnOnce(Arc<Flags>) -> Arc<dyn Checks>) -> &Arc<dyn Checks> {
        self.checks.get_or_init(|| make(Arc::clone(&self.flags)))
    }
}
