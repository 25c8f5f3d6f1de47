//! Hooks: what a user adds, and the threads that run them.

use std::fmt;
use std::sync::atomic::{AtomicIsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use super::app::App;
use super::inject::{Args, CallError, Returned};
use super::registry::{Item, Param, Registration};
use super::stop::{Stage, Stop};
use crate::channel::{Receiver, Sender, channel};
use crate::error::StartError;
use crate::lifecycle::hooks::{DEFAULT_HOOK_TIMEOUT, HookPhase, Origin, PlannedHook};
use crate::lifecycle::plan::HookId;
use crate::lifecycle::reason::Reason;
use crate::lifecycle::report::HookOutcome;
use crate::sync::lock;
use crate::text::owned;
use crate::{panics, sys, threads};

pub(crate) type HookBody = Box<dyn FnOnce(&mut Args<'_>) -> Result<(), CallError> + Send>;

/// A cleanup function, without the attribute: for closures, libraries and whatever is known at run time only.
///
/// # Examples
/// ```
/// use std::time::Duration;
/// use graceful_core::{Args, BoxError, Hook};
///
/// let hook = Hook::new("remove lock file", |_: &mut Args<'_>| std::fs::remove_file("/tmp/service.lock"))
///     .order(90)
///     .timeout(Duration::from_secs(1));
/// # drop(hook);
/// ```
pub struct Hook {
    pub(crate) planned: PlannedHook,
    pub(crate) params: &'static [Param],
    pub(crate) body: HookBody,
}

impl Hook {
    /// A hook of the phase `cleanup` with order 0 and 5 s of time.
    ///
    /// # Blocking
    /// The closure runs on a thread of its own and may block; at its deadline it is abandoned and named in the report.
    pub fn new<R: Returned>(name: impl Into<String>, body: impl FnOnce(&mut Args<'_>) -> R + Send + 'static) -> Self {
        Self {
            planned: PlannedHook {
                name: name.into(),
                phase: HookPhase::Cleanup,
                order: 0,
                timeout: DEFAULT_HOOK_TIMEOUT,
                origin: None,
            },
            params: &[],
            body: Box::new(move |args| body(args).into_result().map_err(CallError::from_user)),
        }
    }

    /// Its order: ascending, equal orders in parallel. **Default: `0`**.
    #[must_use]
    pub fn order(mut self, order: i32) -> Self {
        self.planned.order = order;
        self
    }

    /// When it runs. **Default: [`HookPhase::Cleanup`]**.
    #[must_use]
    pub fn phase(mut self, phase: HookPhase) -> Self {
        self.planned.phase = phase;
        self
    }

    /// The time it is given; reserved for it, whatever comes before. **Default: `5 s`**.
    #[must_use]
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.planned.timeout = timeout;
        self
    }

    /// The hook behind a `#[cleanup]`; `None` for another attribute.
    pub(crate) fn registered(registration: &'static Registration) -> Option<Self> {
        let Item::Cleanup { phase, order, timeout } = registration.item else { return None };
        Some(Self {
            planned: PlannedHook {
                name: owned(registration.name),
                phase,
                order,
                timeout: timeout.unwrap_or(DEFAULT_HOOK_TIMEOUT),
                origin: Some(&registration.origin),
            },
            params: registration.params,
            body: Box::new(registration.run),
        })
    }

    pub(crate) fn origin(&self) -> Option<&'static Origin> {
        self.planned.origin
    }
}

impl fmt::Debug for Hook {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Hook").field("planned", &self.planned).finish_non_exhaustive()
    }
}

/// One hook that is to run now.
pub(crate) struct Job {
    pub(crate) id: HookId,
    pub(crate) name: String,
    pub(crate) body: HookBody,
    pub(crate) deadline: Instant,
    pub(crate) reason: Reason,
    pub(crate) app: App,
}

/// The threads that run hooks.
///
/// One is started with the runtime and kept in reserve: when the machine has no thread left to give, hooks still run, one
/// after the other. A thread whose hook hangs is abandoned; the others are used again.
pub(crate) struct HookThreads {
    jobs: Sender<Job>,
    queue: Receiver<Job>,
    shared: Arc<Shared>,
}

struct Shared {
    /// Threads without a job less jobs without a thread. Taking a job changes neither side, so the count is never stale.
    spare: AtomicIsize,
    /// Kernel ids of the threads that are at work, by hook.
    at_work: Mutex<Vec<(HookId, u64)>>,
    done: Box<dyn Fn(HookId, HookOutcome) + Send + Sync>,
}

impl HookThreads {
    pub(crate) fn start(done: impl Fn(HookId, HookOutcome) + Send + Sync + 'static) -> Result<Self, StartError> {
        let (jobs, queue) = channel();
        let shared =
            Arc::new(Shared { spare: AtomicIsize::new(0), at_work: Mutex::new(Vec::new()), done: Box::new(done) });
        let threads = Self { jobs, queue, shared };
        threads.spawn().map_err(|source| StartError::Thread { name: owned("hooks"), source })?;
        Ok(threads)
    }

    /// Hands a job over; [`staff`](HookThreads::staff) sees to it that a thread takes it.
    pub(crate) fn push(&self, job: Job) {
        self.shared.spare.fetch_sub(1, Ordering::SeqCst);
        // The receiver lives as long as `self`.
        self.jobs.send(job);
    }

    /// Starts threads until there is one for every job that waits: they are to run in parallel. Jobs that end quickly leave
    /// their thread to the next, so fewer threads are started than there are jobs.
    pub(crate) fn staff(&self) -> std::io::Result<()> {
        while self.shared.spare.load(Ordering::SeqCst) < 0 {
            self.spawn()?;
        }
        Ok(())
    }

    /// The kernel's id of the thread that runs a hook.
    pub(crate) fn thread_of(&self, id: HookId) -> Option<u64> {
        self.shared.lock().iter().find(|(hook, _)| *hook == id).map(|(_, thread)| *thread)
    }

    fn spawn(&self) -> std::io::Result<()> {
        let (queue, shared) = (self.queue.clone(), Arc::clone(&self.shared));
        // Counted before it runs, so that `staff` does not start one thread too many for each job.
        self.shared.spare.fetch_add(1, Ordering::SeqCst);
        let spawned = threads::spawn("gf-hook", move || {
            while let Some(job) = queue.recv() {
                shared.run(job);
            }
        });
        if spawned.is_err() {
            self.shared.spare.fetch_sub(1, Ordering::SeqCst);
        }
        spawned.map(drop)
    }
}

impl Shared {
    fn run(&self, job: Job) {
        let Job { id, name, body, deadline, reason, app } = job;
        sys::name_thread(&format!("gf-hook-{name}"));
        self.lock().push((id, sys::thread_id()));
        let stop = Stop::new(Arc::clone(app.stops()), Stage::Requested, Stage::Ended);
        let mut args =
            Args { values: app.values(), app: &app, stop: &stop, deadline: Some(deadline), reason: Some(reason) };
        // The error is shown inside: that is user code as well.
        let outcome =
            panics::catch(|| body(&mut args).map_or_else(CallError::into_outcome, |()| HookOutcome::Completed))
                .unwrap_or_else(HookOutcome::Panicked);
        self.lock().retain(|(hook, _)| *hook != id);
        sys::name_thread("gf-hook");
        // Free before it is told, so that the next hook finds this thread.
        self.spare.fetch_add(1, Ordering::SeqCst);
        (self.done)(id, outcome);
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Vec<(HookId, u64)>> {
        lock(&self.at_work)
    }
}
