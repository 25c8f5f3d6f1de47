//! Background tasks: periodic and long-running threads that are told to stop and joined.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use super::app::App;
use super::coordinator::Message;
use super::inject::{Args, CallError, Returned};
use super::registry::{Item, PanicPolicy, Param, Registration};
use super::stop::{Stage, Stop, Stopping};
use crate::clock;
use crate::error::StartError;
use crate::lifecycle::machine::Event;
use crate::lifecycle::phase::Phase;
use crate::lifecycle::plan::PlannedTask;
use crate::lifecycle::reason::Reason;
use crate::lifecycle::report::{TaskOutcome, TaskReport};
use crate::observe::{Field, add};
use crate::sync::lock;
use crate::text::{owned, shown};
use crate::{panics, sys, threads};

/// The first pause before a failed long-running task is run again; doubled with each failure in a row.
const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(30);

pub(crate) type TaskBody = Box<dyn FnMut(&mut Args<'_>) -> Result<(), CallError> + Send>;

/// A background task, without the attribute.
///
/// # Examples
/// ```
/// use std::time::Duration;
/// use graceful_core::{Args, Task};
///
/// let tick = Task::every("tick", Duration::from_secs(30), |_: &mut Args<'_>| println!("tick"));
/// let pump = Task::long_running("pump", |args: &mut Args<'_>| {
///     while args.stop().sleep(Duration::from_secs(1)).is_ok() {}
/// });
/// # drop((tick, pump));
/// ```
pub struct Task {
    pub(crate) planned: PlannedTask,
    pub(crate) policy: PanicPolicy,
    pub(crate) params: &'static [Param],
    pub(crate) body: TaskBody,
    pub(crate) runner: TaskRunner,
}

/// What starts the thread of a task. Each task brings it along and nobody else names it, so that a service without tasks does
/// not contain it: the linker cannot know what was registered, but it does see what nobody refers to.
#[derive(Clone, Copy, Debug)]
pub struct TaskRunner(fn(&App, Task) -> Result<(), StartError>);

impl TaskRunner {
    /// A thread of its own.
    pub const THREAD: Self = Self(start);

    pub(crate) fn start(app: &App, task: Task) -> Result<(), StartError> {
        (task.runner.0)(app, task)
    }
}

impl Task {
    /// Runs when the service begins to serve and then every `period`, measured from start to start. A run that takes longer
    /// delays the next; none is made up for. Its failure is logged ([`PanicPolicy::Ignore`]).
    ///
    /// # Blocking
    /// The closure runs on the task's thread and may block; see [`Args::stop`].
    pub fn every<R: Returned>(
        name: impl Into<String>,
        period: Duration,
        body: impl FnMut(&mut Args<'_>) -> R + Send + 'static,
    ) -> Self {
        Self::build(name.into(), Some(period.max(Duration::from_millis(1))), PanicPolicy::Ignore, body)
    }

    /// Runs from when the service begins to serve until it is told to stop. Its failure shuts the service down
    /// ([`PanicPolicy::Shutdown`]).
    ///
    /// # Blocking
    /// The closure runs on the task's thread and may block; see [`Args::stop`].
    pub fn long_running<R: Returned>(
        name: impl Into<String>,
        body: impl FnMut(&mut Args<'_>) -> R + Send + 'static,
    ) -> Self {
        Self::build(name.into(), None, PanicPolicy::Shutdown, body)
    }

    /// What its failure does.
    #[must_use]
    pub fn on_failure(mut self, policy: PanicPolicy) -> Self {
        self.policy = policy;
        self
    }

    /// The task behind a `#[task]`; `None` for another attribute.
    pub(crate) fn registered(registration: &'static Registration) -> Option<Self> {
        let Item::Task { every, panic, runner } = registration.item else { return None };
        Some(Self {
            planned: PlannedTask { name: owned(registration.name), every, origin: Some(&registration.origin) },
            policy: panic,
            params: registration.params,
            body: Box::new(registration.run),
            runner,
        })
    }

    fn build<R: Returned>(
        name: String,
        every: Option<Duration>,
        policy: PanicPolicy,
        mut body: impl FnMut(&mut Args<'_>) -> R + Send + 'static,
    ) -> Self {
        Self {
            planned: PlannedTask { name, every, origin: None },
            policy,
            params: &[],
            body: Box::new(move |args| body(args).into_result().map_err(CallError::from_user)),
            runner: TaskRunner::THREAD,
        }
    }
}

impl fmt::Debug for Task {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Task").field("planned", &self.planned).field("policy", &self.policy).finish_non_exhaustive()
    }
}

/// What is known of each task.
#[derive(Default)]
pub(crate) struct TaskTable {
    rows: Mutex<Vec<Row>>,
}

struct Row {
    report: TaskReport,
    thread: u64,
    running: bool,
    last: LastRun,
}

/// How the last run of a task ended. A failure while it served is for its policy to judge; one after it was told to stop
/// means that its last unit of work is lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum LastRun {
    Failed,
    FailedWhileStopping,
    Ok,
}

/// What is known of a task now.
pub(crate) struct TaskState {
    pub(crate) report: TaskReport,
    /// The kernel's id of its thread, while it runs.
    pub(crate) thread: Option<u64>,
    /// Whether it failed after it was told to stop.
    pub(crate) lost: bool,
}

impl TaskTable {
    pub(crate) fn states(&self) -> Vec<TaskState> {
        let state = |row: &Row| TaskState {
            report: row.report.clone(),
            thread: row.running.then_some(row.thread),
            lost: row.last == LastRun::FailedWhileStopping,
        };
        self.lock().iter().map(state).collect()
    }

    /// Adds a task that is not run by [`start`]: `main`, reload hooks, or one that cannot start.
    pub(crate) fn add(&self, name: &str, thread: Option<u64>) -> usize {
        let mut rows = self.lock();
        let report =
            TaskReport { name: name.to_owned(), outcome: TaskOutcome::NotStarted, runs: 0, failures: 0, stuck: None };
        rows.push(Row { report, thread: thread.unwrap_or(0), running: thread.is_some(), last: LastRun::Ok });
        rows.len() - 1
    }

    pub(crate) fn ended(&self, row: usize, outcome: TaskOutcome) {
        let mut rows = self.lock();
        rows[row].report.outcome = outcome;
        rows[row].running = false;
    }

    pub(crate) fn began(&self, row: usize) {
        let mut rows = self.lock();
        rows[row].thread = sys::thread_id();
        rows[row].running = true;
    }

    pub(crate) fn ran(&self, row: usize, last: LastRun) {
        let mut rows = self.lock();
        let row = &mut rows[row];
        row.last = last;
        if last == LastRun::Ok {
            row.report.runs += 1;
        } else {
            row.report.failures += 1;
        }
    }

    fn outcome(&self, row: usize) -> TaskOutcome {
        let rows = self.lock();
        match &rows[row] {
            Row { last: LastRun::Failed | LastRun::FailedWhileStopping, .. } => TaskOutcome::Failed,
            Row { report: TaskReport { runs: 0, failures: 0, .. }, .. } => TaskOutcome::NotStarted,
            _ => TaskOutcome::Stopped,
        }
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Row>> {
        lock(&self.rows)
    }
}

/// Starts the thread of a task.
fn start(app: &App, task: Task) -> Result<(), StartError> {
    {
        let mut lifecycle = app.inner.lifecycle();
        if lifecycle.machine.phase() >= Phase::StoppingTasks {
            return Err(StartError::Stopping);
        }
        // Counted before its thread exists and under the lock, so the tasks' phase cannot end between the two.
        lifecycle.machine.event(clock::now(), Event::TaskBegan);
    }
    let table = Arc::clone(&app.inner.tasks);
    let row = table.add(&task.planned.name, None);
    let name = task.planned.name.clone();
    let queue = app.inner.queue.clone();
    let worker = Worker { app: app.clone(), table, row, task };
    let ended = name.clone();
    let spawned = threads::spawn(&format!("gf-task-{name}"), move || {
        worker.table.began(worker.row);
        let (table, row) = (Arc::clone(&worker.table), worker.row);
        let app = worker.app.clone();
        // The task's closure is the user's: should dropping it panic, the task has ended all the same.
        let dropped = panics::catch(|| worker.work());
        let outcome = if dropped.is_ok() { table.outcome(row) } else { TaskOutcome::Failed };
        table.ended(row, outcome);
        tell_end(&app, &ended, outcome);
        drop(app);
        queue.send(Message::Event(Event::TaskEnded));
    });
    if let Err(source) = spawned {
        app.inner.queue.send(Message::Event(Event::TaskEnded));
        return Err(StartError::Thread { name: format!("task {name}"), source });
    }
    Ok(())
}

/// How long it took is counted from when tasks were told to stop, if they were.
fn tell_end(app: &App, name: &str, outcome: TaskOutcome) {
    let mut fields: Vec<Field> = vec![("name", name.to_owned().into()), ("outcome", outcome.name().into())];
    let told = {
        let lifecycle = app.inner.lifecycle();
        let told = lifecycle.machine.report().phases.iter().find(|phase| phase.phase == Phase::StoppingTasks);
        told.and_then(|phase| Some(lifecycle.machine.requested()? + phase.began))
    };
    if let Some(told) = told {
        add(&mut fields, "took", clock::now().saturating_duration_since(told).into());
    }
    app.observer().info("task ended", fields);
}

struct Worker {
    app: App,
    table: Arc<TaskTable>,
    row: usize,
    task: Task,
}

/// How one run of a task ended.
enum RunEnd {
    Ok,
    Missing(&'static str),
    Failed(String),
    Panicked(String),
}

impl Worker {
    fn work(mut self) {
        let stop = Stop::new(Arc::clone(self.app.stops()), Stage::StoppingTasks, Stage::Cleaning);
        let mut pause = FIRST_PAUSE;
        while !stop.is_stopping() {
            let began = clock::now();
            let end = self.run(&stop);
            if let RunEnd::Missing(type_name) = end {
                // It never ran, which is no failure.
                let name = self.task.planned.name.clone();
                self.app.observer().warn("task not started", [("name", name.into()), ("missing", type_name.into())]);
                return;
            }
            let failed = !matches!(end, RunEnd::Ok);
            self.table.ran(
                self.row,
                match (failed, stop.is_stopping()) {
                    (false, _) => LastRun::Ok,
                    (true, false) => LastRun::Failed,
                    (true, true) => LastRun::FailedWhileStopping,
                },
            );
            if failed && self.fails(end, &stop) {
                return;
            }
            let next = match self.task.planned.every {
                Some(period) => period.saturating_sub(clock::now().saturating_duration_since(began)),
                None if failed => {
                    let now = pause;
                    pause = (pause * 2).min(LONGEST_PAUSE);
                    now
                }
                None => return,
            };
            if stop.sleep(next).is_err() {
                return;
            }
        }
    }

    fn run(&mut self, stop: &Stop) -> RunEnd {
        let mut args =
            Args { values: self.app.values(), app: &self.app, stop, deadline: stop.deadline(), reason: None };
        let body = &mut self.task.body;
        let ended = panics::catch(|| match body(&mut args) {
            Ok(()) => RunEnd::Ok,
            // A helper that returned early because the service stops is a good end.
            Err(CallError::Failed(error)) if error.is::<Stopping>() => RunEnd::Ok,
            Err(CallError::Missing { type_name }) => RunEnd::Missing(type_name),
            // Shown inside: that is user code as well.
            Err(error) => RunEnd::Failed(shown(&error)),
        });
        ended.unwrap_or_else(RunEnd::Panicked)
    }

    /// Logs a failure and does what the policy says; `true` when the task is over.
    fn fails(&self, end: RunEnd, stop: &Stop) -> bool {
        let name = self.task.planned.name.clone();
        let observer = self.app.observer();
        let (reason, shuts_down) = match end {
            RunEnd::Panicked(message) => {
                observer.error("task panicked", [("name", name.clone().into()), ("panic", message.clone().into())]);
                (Reason::TaskPanicked { task: name, message }, self.task.policy == PanicPolicy::Shutdown)
            }
            RunEnd::Failed(error) => {
                observer.error("task failed", [("name", name.clone().into()), ("error", error.clone().into())]);
                (Reason::TaskFailed { task: name, error }, self.task.policy == PanicPolicy::Shutdown)
            }
            RunEnd::Ok | RunEnd::Missing(_) => return false,
        };
        if shuts_down {
            self.app.request_for(reason);
            return true;
        }
        let ends = self.task.planned.every.is_none() && self.task.policy == PanicPolicy::Ignore;
        ends || stop.is_stopping()
    }
}
