//! Where the service is right now, as data: what an operator looks at while it drains.

use std::time::Duration;

use super::app::{App, Inner};
use super::stuck;
use super::tasks::TaskState as Row;
use crate::clock;
use crate::engine::{self, ConnectionCounts, LocalAddress, RequestCounts};
use crate::lifecycle::hooks::{HookPhase, Origin};
use crate::lifecycle::phase::Phase;
use crate::lifecycle::plan::HookId;
use crate::lifecycle::reason::Reason;
use crate::lifecycle::report::{HookOutcome, PhaseReport, TaskOutcome};

/// Where a service is at one moment; see [`App::status`].
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Status {
    /// Name of the service.
    pub service: String,
    /// Where it is.
    pub phase: Phase,
    /// For how long it has been there.
    pub in_phase: Duration,
    /// Since the runtime began.
    pub uptime: Duration,
    /// The total that a shutdown is granted.
    pub timeout: Duration,
    /// How long a shutdown takes when everything takes as long as it may.
    pub worst_case: Duration,
    /// The shutdown, once it was requested.
    pub shutdown: Option<ShutdownStatus>,
    /// The phases of the shutdown in their order, those to come as well.
    pub phases: Vec<PhaseStatus>,
    /// All hooks, in the order in which they are to run.
    pub hooks: Vec<HookStatus>,
    /// Tasks, `main` among them.
    pub tasks: Vec<TaskStatus>,
    /// Tickets that are out: name and number. Those of our own listeners and connections are not among them.
    pub tickets: Vec<(String, usize)>,
    /// The addresses that are listened on.
    pub listeners: Vec<LocalAddress>,
    /// Every connection so far is in one of these counts.
    pub connections: ConnectionCounts,
    /// Requests over all connections that speak HTTP or another protocol of sessions.
    pub requests: RequestCounts,
}

/// A shutdown that is under way.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ShutdownStatus {
    /// Why.
    pub reason: Reason,
    /// Wall clock of the request, milliseconds since the Unix epoch.
    pub requested_at_unix_ms: u64,
    /// For how long it has been under way.
    pub since: Duration,
    /// What is left of the total.
    pub left: Duration,
    /// What was lost, cut, abandoned or left undone so far, a sentence each.
    pub incomplete: Vec<String>,
}

/// A phase of the shutdown.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct PhaseStatus {
    /// Which.
    pub phase: Phase,
    /// What it gets when everything before it takes as long as it may.
    pub planned: Duration,
    /// How far it has come.
    pub state: PhaseState,
}

/// How far a phase has come.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum PhaseState {
    /// It is to come.
    Waiting,
    /// The service is in it.
    Running {
        /// The time it was granted when it was entered.
        budget: Duration,
        /// For how long it has been at it.
        since: Duration,
        /// What is left of its time as things stand now.
        left: Duration,
    },
    /// It is over.
    Ended(PhaseReport),
}

/// A hook.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct HookStatus {
    /// Its name.
    pub name: String,
    /// When it is to run.
    pub phase: HookPhase,
    /// Its order in that phase.
    pub order: i32,
    /// The time it is granted.
    pub timeout: Duration,
    /// Where it was declared.
    pub origin: Option<&'static Origin>,
    /// How far it has come.
    pub state: HookState,
}

/// How far a hook has come.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum HookState {
    /// Its turn is to come.
    Waiting,
    /// It runs.
    Running {
        /// For how long.
        since: Duration,
        /// Where it is, as far as the system tells.
        stuck: Option<String>,
    },
    /// It has come to its end, or was abandoned.
    Ended {
        /// How.
        outcome: HookOutcome,
        /// How long it took, or how long it was waited for.
        took: Duration,
        /// Where it hung when it was abandoned.
        stuck: Option<String>,
    },
}

/// A background task.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct TaskStatus {
    /// Its name.
    pub name: String,
    /// How far it has come.
    pub state: TaskState,
    /// How often it ran to its end.
    pub runs: u64,
    /// How often it failed or panicked.
    pub failures: u64,
    /// Where it is while it is to stop and has not, as far as the system tells.
    pub stuck: Option<String>,
}

/// How far a task has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum TaskState {
    /// It begins when the service serves.
    Waiting,
    /// Its thread is there: it runs, or waits for its next turn.
    Running,
    /// It has ended.
    Ended(TaskOutcome),
}

impl App {
    /// Where the service is right now: phase, budgets, hooks, tasks, and what is still open.
    ///
    /// Once it is over (in somebody else's process) there are no phases and hooks any more: they are in the report.
    ///
    /// # Blocking
    /// For microseconds: it waits for no user code, and runs none.
    #[must_use]
    pub fn status(&self) -> Status {
        let inner = &self.inner;
        let mut status = inner.snapshot();
        // Looked up once nobody waits for the lifecycle any more: the answers are files of the kernel.
        for (id, hook) in &mut status.1 {
            if let HookState::Running { stuck, .. } = &mut hook.state {
                *stuck = inner.hooks.thread_of(*id).and_then(stuck::whereabouts);
            }
        }
        let (mut status, hooks) = status;
        status.hooks = hooks.into_iter().map(|(_, hook)| hook).collect();
        let late = status.phase >= Phase::StoppingTasks;
        status.tasks.extend(inner.tasks.states().into_iter().map(|row| TaskStatus::new(row, late)));
        let tickets = inner.tickets.out();
        status.tickets = tickets.into_iter().filter(|(name, _)| name != engine::TICKET).collect();
        status
    }
}

impl Inner {
    /// What is behind the lifecycle's lock, and the ids of the hooks.
    fn snapshot(&self) -> (Status, Vec<(HookId, HookStatus)>) {
        // Before the lock: these have locks of their own.
        let (listeners, connections, requests) =
            (self.engine.listeners(), self.engine.counts(), self.engine.requests());
        let lifecycle = self.lifecycle();
        let (machine, now) = (&lifecycle.machine, clock::now());
        let (plan, report) = (machine.plan(), machine.report());
        let over = machine.phase() == Phase::Exited;
        let phase = |phase: Phase| PhaseStatus {
            phase,
            planned: machine.planned(phase),
            state: match report.phases.iter().find(|known| known.phase == phase) {
                None => PhaseState::Waiting,
                Some(known) if phase == machine.phase() => PhaseState::Running {
                    budget: known.budget,
                    since: now.saturating_duration_since(machine.entered()),
                    left: machine.phase_deadline().map_or(Duration::ZERO, |end| end.saturating_duration_since(now)),
                },
                Some(known) => PhaseState::Ended(known.clone()),
            },
        };
        let hook = |id: HookId| {
            let planned = plan.hook(id);
            let state = match (machine.running_since(id), machine.hook_report(id)) {
                (Some(since), _) => HookState::Running { since: now.saturating_duration_since(since), stuck: None },
                (None, Some(ended)) => {
                    HookState::Ended { outcome: ended.outcome.clone(), took: ended.took, stuck: ended.stuck.clone() }
                }
                (None, None) => HookState::Waiting,
            };
            let (name, origin) = (planned.name.clone(), planned.origin);
            (
                id,
                HookStatus {
                    name,
                    phase: planned.phase,
                    order: planned.order,
                    timeout: planned.timeout,
                    origin,
                    state,
                },
            )
        };
        let waiting = lifecycle.waiting.iter().map(|task| TaskStatus {
            name: task.planned.name.clone(),
            state: TaskState::Waiting,
            runs: 0,
            failures: 0,
            stuck: None,
        });
        let timeout = plan.budgets().timeout;
        let shutdown = machine.requested().map(|requested| {
            let since = now.saturating_duration_since(requested);
            ShutdownStatus {
                reason: report.reason.clone(),
                requested_at_unix_ms: report.requested_at_unix_ms,
                since,
                left: timeout.saturating_sub(since),
                incomplete: report.incomplete.clone(),
            }
        });
        let status = Status {
            service: self.settings.service.clone(),
            phase: machine.phase(),
            in_phase: now.saturating_duration_since(machine.entered()),
            uptime: now.saturating_duration_since(machine.born()),
            timeout,
            worst_case: plan.worst_case(),
            shutdown,
            phases: if over { Vec::new() } else { Phase::SHUTDOWN.into_iter().map(phase).collect() },
            hooks: Vec::new(),
            tasks: waiting.collect(),
            tickets: Vec::new(),
            listeners,
            connections,
            requests,
        };
        let hooks = if over { Vec::new() } else { plan.in_order().into_iter().map(hook).collect() };
        (status, hooks)
    }
}

impl TaskStatus {
    /// `late`: it was told to stop, so where it is matters.
    fn new(row: Row, late: bool) -> Self {
        let state = match (row.thread, row.report.outcome) {
            (Some(_), _) => TaskState::Running,
            (None, TaskOutcome::NotStarted) => TaskState::Waiting,
            (None, outcome) => TaskState::Ended(outcome),
        };
        Self {
            name: row.report.name,
            state,
            runs: row.report.runs,
            failures: row.report.failures,
            stuck: row.thread.filter(|_| late).and_then(stuck::whereabouts),
        }
    }
}

impl HookState {
    /// The name in answers: `waiting`, `running`, or that of the outcome.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Running { .. } => "running",
            Self::Ended { outcome, .. } => outcome.name(),
        }
    }
}

impl TaskState {
    /// The name in answers: `waiting`, `running`, or that of the outcome.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Running => "running",
            Self::Ended(outcome) => outcome.name(),
        }
    }
}

impl PhaseState {
    /// The name in answers: `waiting`, `running` or `ended`.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Running { .. } => "running",
            Self::Ended(_) => "ended",
        }
    }
}

#[cfg(all(test, not(graceful_shuttle)))]
mod tests {
    use std::sync::mpsc;

    use super::*;
    use crate::lifecycle::exit::Outcome;
    use crate::runtime::builder::Runtime;
    use crate::runtime::hooks::Hook;
    use crate::runtime::inject::Args;

    #[test]
    fn a_shutdown_seen_from_inside_of_it() {
        let (tell, told) = mpsc::channel();
        let (go_on, wait) = mpsc::channel::<()>();
        let runtime = Runtime::builder("watched")
            .hook(Hook::new("early", |_: &mut Args<'_>| {}).order(1))
            .hook(
                Hook::new("late", move |_: &mut Args<'_>| {
                    let _ = tell.send(());
                    let _ = wait.recv();
                })
                .order(2),
            )
            .start()
            .expect("a guest");
        let app = runtime.app().clone();
        app.ready().expect("nothing is wrong");
        let ticket = app.ticket("work").expect("open");
        let status = app.status();
        assert_eq!((status.phase, status.tickets.as_slice()), (Phase::Serving, &[("work".to_owned(), 1)][..]));
        assert!(status.shutdown.is_none() && status.hooks.iter().all(|hook| hook.state == HookState::Waiting));
        assert_eq!(status.phases.iter().map(|phase| phase.state.name()).collect::<Vec<_>>(), ["waiting"; 5]);
        assert_eq!(status.phases[3].planned, Duration::from_secs(10));
        drop(ticket);

        app.request("a test");
        told.recv().expect("it runs");
        let status = app.status();
        assert_eq!(status.phase, Phase::CleaningUp);
        let names: Vec<_> = status.hooks.iter().map(|hook| (hook.name.as_str(), hook.state.name())).collect();
        assert_eq!(names, [("early", "completed"), ("late", "running")]);
        let states: Vec<_> = status.phases.iter().map(|phase| phase.state.name()).collect();
        assert_eq!(states, ["ended", "ended", "ended", "running", "waiting"]);
        let shutdown = status.shutdown.expect("it is under way");
        assert_eq!(shutdown.reason, Reason::Requested("a test".into()));
        assert!(shutdown.left <= status.timeout && shutdown.requested_at_unix_ms > 0, "{shutdown:?}");
        go_on.send(()).expect("it waits");
        let report = runtime.join();
        assert_eq!(report.outcome, Outcome::Clean);
        let status = app.status();
        assert!(status.phase == Phase::Exited && status.hooks.is_empty(), "{status:?}");
    }

    #[test]
    fn a_guest_is_forced_whatever_hangs() {
        let (tell, told) = mpsc::channel();
        let (_never, forever) = mpsc::channel::<()>();
        let hang = Hook::new("hang", move |_: &mut Args<'_>| {
            let _ = tell.send(());
            let _ = forever.recv();
        });
        let runtime = Runtime::builder("forced").hook(hang).start().expect("a guest");
        runtime.app().ready().expect("nothing is wrong");
        runtime.app().request("a test");
        told.recv().expect("it hangs");
        runtime.app().force("somebody in a hurry");
        let report = runtime.join();
        assert_eq!((report.outcome, report.exit_code), (Outcome::ForcedByRequest, 124));
        assert_eq!(report.hook("hang").map(|hook| hook.outcome.clone()), Some(HookOutcome::TimedOut));
        assert_eq!(report.reason, Reason::Requested("a test".into()));
    }

    #[test]
    fn a_guest_that_is_forced_leaves_nothing_behind() {
        struct Told(mpsc::Sender<&'static str>, &'static str);
        impl Drop for Told {
            fn drop(&mut self) {
                let _ = self.0.send(self.1);
            }
        }
        let (tell, told) = mpsc::channel();
        let (handler, hook, value) = (Told(tell.clone(), "handler"), Told(tell.clone(), "hook"), Told(tell, "value"));
        let never = Hook::new("never", move |_: &mut Args<'_>| drop(hook));
        let runtime = Runtime::builder("forced").hook(never).start().expect("a guest");
        runtime.app().provide(value);
        let serve = move |_: crate::Connection| {
            let _ = &handler;
        };
        let address = runtime.app().tcp("127.0.0.1:0", serve).expect("it listens").tcp().expect("TCP");
        runtime.app().ready().expect("nothing is wrong");
        runtime.app().force("somebody in a hurry");
        let report = runtime.join();
        assert_eq!(report.hook("never").map(|hook| hook.outcome.name()), Some("skipped"));
        let mut dropped: Vec<_> = told.iter().collect();
        dropped.sort_unstable();
        assert_eq!(dropped, ["handler", "hook", "value"]);
        assert!(std::net::TcpStream::connect(address).is_err(), "nobody listens there");
    }
}
