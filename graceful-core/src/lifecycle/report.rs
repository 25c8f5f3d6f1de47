//! What happened, as data.

use std::fmt::{self, Write as _};
use std::time::Duration;

use super::exit::Outcome;
use super::hooks::{HookPhase, Origin};
use super::phase::Phase;
use super::reason::{Reason, Sender, Signal};
use crate::engine::{ConnectionCounts, CounterGroup, RequestCounts};
use crate::observe::show;
use crate::text::shown;

/// What a shutdown did, step by step. Written for forced ends too.
///
/// [`Display`](fmt::Display) is one line for people, [`to_json`](Report::to_json) is for machines.
#[derive(Clone, Debug, PartialEq)]
#[must_use = "the report says whether anything was lost"]
#[non_exhaustive]
pub struct Report {
    /// Name of the service: the package of `main`, or what the builder was told.
    pub service: String,
    /// Why it shut down.
    pub reason: Reason,
    /// How it ended.
    pub outcome: Outcome,
    /// The exit code that belongs to the outcome.
    pub exit_code: u8,
    /// From the request to the end.
    pub took: Duration,
    /// The total it was granted.
    pub timeout: Duration,
    /// Wall clock of the request, milliseconds since the Unix epoch.
    pub requested_at_unix_ms: u64,
    /// How many connections were open at the request.
    pub open_at_request: u64,
    /// Every signal that came, in order.
    pub signals: Vec<SignalReport>,
    /// The phases that were entered.
    pub phases: Vec<PhaseReport>,
    /// All hooks, in the order in which they were to run.
    pub hooks: Vec<HookReport>,
    /// Tasks, and `main` if it was still at work.
    pub tasks: Vec<TaskReport>,
    /// Every connection is in one of these counts.
    pub connections: ConnectionCounts,
    /// Requests over all connections that speak HTTP or another protocol of sessions.
    pub requests: RequestCounts,
    /// What protocols count beside them.
    pub counters: Vec<CounterGroup>,
    /// Tickets still out when the drain ended: name and number.
    pub tickets: Vec<(String, usize)>,
    /// What was lost, cut, abandoned or left undone, a sentence each. Empty for a clean end.
    pub incomplete: Vec<String>,
    /// Names of what failed and has no other place here.
    pub(crate) lost: Vec<String>,
}

/// A signal that came.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct SignalReport {
    /// Since the request.
    pub at: Duration,
    /// Which.
    pub signal: Signal,
    /// From whom.
    pub sender: Option<Sender>,
    /// What it did: `graceful`, `fast`, `exit_now`, or `debounced`.
    pub effect: &'static str,
}

/// A phase that was entered.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct PhaseReport {
    /// Which.
    pub phase: Phase,
    /// The time it was granted when it was entered.
    pub budget: Duration,
    /// Since the request.
    pub began: Duration,
    /// How long it took.
    pub took: Duration,
    /// What ended it.
    pub end: PhaseEnd,
}

/// What ended a phase.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PhaseEnd {
    /// Its deadline.
    Deadline,
    /// It was done.
    Done,
    /// A repeated signal, or the end of the process.
    Escalated,
}

impl PhaseEnd {
    /// The name in reports.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Deadline => "deadline",
            Self::Done => "done",
            Self::Escalated => "escalated",
        }
    }
}

/// How a hook ended.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum HookOutcome {
    /// It returned.
    Completed,
    /// It returned this error.
    Failed(String),
    /// It panicked with this message.
    Panicked(String),
    /// It did not run, for this reason.
    Skipped(Skip),
    /// It was still running at its deadline and was abandoned.
    TimedOut,
}

impl HookOutcome {
    /// The name in logs and reports: `completed`.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::Completed => "completed",
            Self::Failed(_) => "failed",
            Self::Panicked(_) => "panicked",
            Self::Skipped(_) => "skipped",
            Self::TimedOut => "timed_out",
        }
    }
}

/// Why a hook did not run.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Skip {
    /// A value of this type was never provided: what it would clean up was never there.
    Missing(String),
    /// The value it was to take is still held by somebody.
    Held(String),
    /// The process was ended first.
    NoTime,
}

impl fmt::Display for Skip {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing(what) => write!(f, "no {what} was provided"),
            Self::Held(what) => write!(f, "{what} is still held elsewhere"),
            Self::NoTime => f.write_str("no time was left"),
        }
    }
}

/// A hook.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct HookReport {
    /// Its name.
    pub name: String,
    /// When it was to run.
    pub phase: HookPhase,
    /// Its order in that phase.
    pub order: i32,
    /// The time it was granted.
    pub timeout: Duration,
    /// Where it was declared.
    pub origin: Option<&'static Origin>,
    /// Since the request; `None` when it never began.
    pub began: Option<Duration>,
    /// How long it took, or how long it was waited for.
    pub took: Duration,
    /// How it ended.
    pub outcome: HookOutcome,
    /// Where it hung when it was abandoned.
    pub stuck: Option<String>,
}

/// A background task.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct TaskReport {
    /// Its name.
    pub name: String,
    /// How it ended.
    pub outcome: TaskOutcome,
    /// How often it ran to its end.
    pub runs: u64,
    /// How often it failed or panicked.
    pub failures: u64,
    /// Where it hung when it was abandoned.
    pub stuck: Option<String>,
}

/// How a task ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum TaskOutcome {
    /// It did not end in time.
    Abandoned,
    /// Its last run failed or panicked.
    Failed,
    /// It never ran: a value it needs was never provided, or the service never served.
    NotStarted,
    /// It ended.
    Stopped,
}

impl TaskOutcome {
    /// The name in reports.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Abandoned => "abandoned",
            Self::Failed => "failed",
            Self::NotStarted => "not_started",
            Self::Stopped => "stopped",
        }
    }
}

impl Report {
    /// Notes what is not as it should be. Not inlined: it is done in many places.
    #[inline(never)]
    pub(crate) fn miss(&mut self, what: &dyn fmt::Display) {
        self.incomplete.push(shown(what));
    }

    /// Of a service that has not been asked to stop.
    pub(crate) fn new(service: String, timeout: Duration) -> Self {
        Self {
            service,
            reason: Reason::MainReturned,
            outcome: Outcome::Clean,
            exit_code: 0,
            took: Duration::ZERO,
            timeout,
            requested_at_unix_ms: 0,
            open_at_request: 0,
            signals: Vec::new(),
            phases: Vec::new(),
            hooks: Vec::new(),
            tasks: Vec::new(),
            connections: Default::default(),
            requests: Default::default(),
            counters: Vec::new(),
            tickets: Vec::new(),
            incomplete: Vec::new(),
            lost: Vec::new(),
        }
    }

    /// The outcome of the hook of this name.
    #[must_use]
    pub fn hook(&self, name: &str) -> Option<&HookReport> {
        self.hooks.iter().find(|hook| hook.name == name)
    }

    /// The task of this name.
    #[must_use]
    pub fn task(&self, name: &str) -> Option<&TaskReport> {
        self.tasks.iter().find(|task| task.name == name)
    }
}

impl fmt::Display for Report {
    /// `shut down in 1.25s (SIGTERM from pid 1 uid 0): clean, 12 connections, 3 of 3 hooks, exit 0`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "shut down in {} ({}): {}", show(self.took), self.reason, self.outcome.name().replace('_', " "))?;
        let counts = &self.connections;
        if counts.accepted > 0 {
            write!(f, ", {} connections", counts.accepted)?;
            if counts.cut > 0 {
                write!(f, " ({} cut)", counts.cut)?;
            }
        }
        if self.requests.received > 0 {
            write!(f, ", {} requests answered", self.requests.answered)?;
        }
        if !self.hooks.is_empty() {
            let ran = self.hooks.iter().filter(|hook| hook.outcome == HookOutcome::Completed).count();
            write!(f, ", {ran} of {} hooks", self.hooks.len())?;
        }
        if !self.incomplete.is_empty() {
            let mut list = String::new();
            for (nth, what) in self.incomplete.iter().take(5).enumerate() {
                let _ = write!(list, "{}{what}", if nth == 0 { "" } else { "; " });
            }
            if self.incomplete.len() > 5 {
                let _ = write!(list, "; and {} more", self.incomplete.len() - 5);
            }
            write!(f, " [{list}]")?;
        }
        write!(f, ", exit {}", self.exit_code)
    }
}
