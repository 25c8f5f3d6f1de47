//! Reload: one round of hooks at a time, while the service serves.

use std::fmt;
use std::sync::{Arc, Mutex, OnceLock};
use std::time::Duration;

use super::app::App;
use super::coordinator::Message;
use super::inject::{Args, CallError, Returned};
use super::registry::{Item, Param, Registration};
use super::stop::{Stage, Stop};
use super::tasks::LastRun;
use crate::clock;
use crate::lifecycle::hooks::DEFAULT_HOOK_TIMEOUT;
use crate::lifecycle::machine::Event;
use crate::lifecycle::plan::PlannedReload;
use crate::lifecycle::report::TaskOutcome;
use crate::sync::lock;
use crate::text::{owned, shown};
use crate::{panics, threads};

type ReloadBody = Box<dyn FnMut(&mut Args<'_>) -> Result<(), CallError> + Send>;

/// What runs on `SIGHUP`, without the attribute.
pub struct Reload {
    pub(crate) planned: PlannedReload,
    pub(crate) params: &'static [Param],
    body: ReloadBody,
    runner: ReloadRunner,
}

/// What runs a round of reload hooks. Each hook brings it along, as a task does its [`TaskRunner`](super::tasks::TaskRunner).
#[derive(Clone, Copy, Debug)]
pub struct ReloadRunner(fn(&Arc<Reloads>, &App));

impl ReloadRunner {
    /// A thread for each round.
    pub const THREAD: Self = Self(start);
}

impl Reload {
    /// A reload hook. Hooks run one after the other; one that fails does not stop the next.
    ///
    /// # Blocking
    /// The closure runs on `gf-reload` and may block; a reload asked for meanwhile runs once afterwards. One that is under way
    /// when the service stops has the time of a task to end.
    pub fn new<R: Returned>(
        name: impl Into<String>,
        mut body: impl FnMut(&mut Args<'_>) -> R + Send + 'static,
    ) -> Self {
        Self {
            planned: PlannedReload { name: name.into(), timeout: DEFAULT_HOOK_TIMEOUT, origin: None },
            params: &[],
            body: Box::new(move |args| body(args).into_result().map_err(CallError::from_user)),
            runner: ReloadRunner::THREAD,
        }
    }

    /// After this long it is logged as late; it is not ended. **Default: `5 s`**.
    #[must_use]
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.planned.timeout = timeout;
        self
    }

    pub(crate) fn registered(registration: &'static Registration) -> Option<Self> {
        let Item::Reload { timeout, runner } = registration.item else { return None };
        Some(Self {
            planned: PlannedReload {
                name: owned(registration.name),
                timeout: timeout.unwrap_or(DEFAULT_HOOK_TIMEOUT),
                origin: Some(&registration.origin),
            },
            params: registration.params,
            body: Box::new(registration.run),
            runner,
        })
    }
}

impl fmt::Debug for Reload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reload").field("planned", &self.planned).finish_non_exhaustive()
    }
}

/// All reload hooks, and whether a round is under way.
#[derive(Default)]
pub(crate) struct Reloads {
    hooks: Mutex<Vec<Reload>>,
    round: Mutex<Round>,
    /// The rounds' row among the tasks: one that is under way when the service stops is joined like a task.
    row: OnceLock<usize>,
    /// What runs them; empty as long as there is none.
    runner: OnceLock<ReloadRunner>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Round {
    #[default]
    None,
    Running,
    /// One runs, and another was asked for.
    RunningAndWanted,
}

impl Reloads {
    pub(crate) fn add(&self, reload: Reload) {
        self.runner.get_or_init(|| reload.runner);
        lock(&self.hooks).push(reload);
    }

    /// Runs all hooks on a thread of their own, or once more after the round that is under way.
    pub(crate) fn request(self: &Arc<Self>, app: &App) {
        if let Some(runner) = self.runner.get() {
            (runner.0)(self, app);
        }
    }

    fn start_round(self: &Arc<Self>, app: &App) {
        {
            let mut round = lock(&self.round);
            if *round != Round::None {
                *round = Round::RunningAndWanted;
                return;
            }
            *round = Round::Running;
        }
        // The coordinator is on this thread and the service serves: the tasks' phase cannot begin before this is counted.
        app.inner.lifecycle().machine.event(clock::now(), Event::TaskBegan);
        let (reloads, worker) = (Arc::clone(self), app.clone());
        let spawned = threads::spawn("gf-reload", move || reloads.rounds(&worker));
        if let Err(error) = spawned {
            app.observer().error("reload failed", [("error", shown(&error).into())]);
            *lock(&self.round) = Round::None;
            app.inner.queue.send(Message::Event(Event::TaskEnded));
        }
    }

    fn rounds(&self, app: &App) {
        let tasks = &app.inner.tasks;
        let row = *self.row.get_or_init(|| tasks.add("reload hooks", None));
        tasks.began(row);
        loop {
            self.run_all(app);
            tasks.ran(row, LastRun::Ok);
            let mut round = lock(&self.round);
            if *round == Round::RunningAndWanted && !app.phase().is_stopping() {
                *round = Round::Running;
                continue;
            }
            tasks.ended(row, TaskOutcome::Stopped);
            *round = Round::None;
            break;
        }
        app.inner.queue.send(Message::Event(Event::TaskEnded));
    }

    /// A hook may add hooks, and another thread may while one hangs: the lock is not held meanwhile.
    fn run_all(&self, app: &App) {
        let lock = || lock(&self.hooks);
        let mut hooks = std::mem::take(&mut *lock());
        for reload in &mut hooks {
            run(app, reload);
        }
        let mut place = lock();
        hooks.append(&mut place);
        *place = hooks;
    }
}

fn start(reloads: &Arc<Reloads>, app: &App) {
    reloads.start_round(app);
}

fn run(app: &App, reload: &mut Reload) {
    let stop = Stop::new(Arc::clone(app.stops()), Stage::Requested, Stage::Ended);
    let began = clock::now();
    let mut args = Args {
        values: app.values(),
        app,
        stop: &stop,
        deadline: began.checked_add(reload.planned.timeout),
        reason: None,
    };
    let body = &mut reload.body;
    let result = panics::catch(|| body(&mut args).map_err(|error| shown(&error)));
    let took = clock::now().saturating_duration_since(began);
    let name = reload.planned.name.clone();
    let observer = app.observer();
    match result {
        Ok(Ok(())) if took > reload.planned.timeout => {
            observer.warn("reload was late", [("name", name.into()), ("took", took.into())]);
        }
        Ok(Ok(())) => observer.info("reload finished", [("name", name.into()), ("took", took.into())]),
        Ok(Err(error)) => observer.error("reload failed", [("name", name.into()), ("error", error.into())]),
        Err(panic) => observer.error("reload panicked", [("name", name.into()), ("panic", panic.into())]),
    }
}
