//! All checks of a runtime, under one lock: `gf-checks`, those that run, and those who ask meet here.
//!
//! No user code runs under the lock, and it asks for no time: every caller brings its own.

#[cfg(all(test, graceful_shuttle))]
mod schedules;
#[cfg(all(test, not(graceful_shuttle)))]
mod tests;

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::check::{Check, CheckBody};
use super::course::{Change, Course, Judged};
use super::health::Flags;
use super::report::{CheckOutcome, CheckReport, CheckStatus};
use crate::lifecycle::checks::{CheckKind, Criticality};
use crate::panics;
use crate::sync::{Condvar, Mutex, MutexGuard, PoisonError};

/// How long a run that is under way at the stop is waited for, if its own time allows that.
const LAST_RUNS: Duration = Duration::from_secs(1);

/// Locked by the one thread that runs it.
pub(super) type SharedBody = Arc<std::sync::Mutex<CheckBody>>;

pub(super) struct Board {
    state: Mutex<State>,
    changed: Condvar,
    flags: Arc<Flags>,
}

struct State {
    stage: Stage,
    rows: Vec<Row>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    /// The service does not serve yet.
    Parked,
    Running,
    /// A shutdown was requested. What is under way has until then; `None` when nothing is worth the wait.
    Stopped(Option<Instant>),
}

struct Row {
    course: Course,
    /// `None` once it has been dropped.
    body: Option<SharedBody>,
    /// The kernel's id of the thread that runs it.
    thread: Option<u64>,
}

/// A run of a check: which, and its number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Run {
    pub(super) row: usize,
    pub(super) number: u64,
}

/// A run that is to begin.
pub(super) struct Due {
    pub(super) run: Run,
    pub(super) name: String,
    pub(super) body: SharedBody,
    pub(super) deadline: Option<Instant>,
}

/// What there is to do now.
#[derive(Default)]
pub(super) struct Todo {
    pub(super) due: Vec<Due>,
    /// Runs past their time, each with its thread.
    pub(super) late: Vec<(Run, Option<u64>)>,
}

/// A run that nobody waits for any more.
#[derive(Debug)]
pub(super) struct Hanging {
    pub(super) name: String,
    pub(super) thread: Option<u64>,
}

/// What was under way when the checks were stopped.
#[derive(Debug, Default)]
pub(super) struct Closed {
    /// Whether there is a run that is worth a moment.
    pub(super) awaits: bool,
    pub(super) hanging: Vec<Hanging>,
}

#[derive(Debug)]
pub(super) enum UnderWay {
    Hanging,
    No,
    Still(Hanging),
}

/// What is to be told of a result, outside of the lock.
#[derive(Debug)]
pub(super) struct Told {
    pub(super) name: String,
    pub(super) kind: CheckKind,
    pub(super) criticality: Criticality,
    pub(super) judged: Judged,
    pub(super) failures: u32,
    pub(super) last: Option<CheckOutcome>,
}

impl Board {
    pub(super) fn new(flags: Arc<Flags>) -> Self {
        Self { state: Mutex::new(State { stage: Stage::Parked, rows: Vec::new() }), changed: Condvar::new(), flags }
    }

    pub(super) fn insert(&self, check: Check, now: Instant) {
        let mut state = self.lock();
        let mut course = Course::new(check.planned, now);
        if state.stage == Stage::Running {
            course.schedule(now, state.rows.len());
        }
        state.rows.push(Row { course, body: Some(Arc::new(std::sync::Mutex::new(check.body))), thread: None });
        self.publish(&state);
        drop(state);
        self.changed.notify_all();
    }

    /// Everything is due from now on; `false` when that was said before, or a shutdown has been requested.
    pub(super) fn open(&self, now: Instant) -> bool {
        let mut state = self.lock();
        if state.stage != Stage::Parked {
            return false;
        }
        state.stage = Stage::Running;
        for (place, row) in state.rows.iter_mut().enumerate() {
            row.course.schedule(now, place);
        }
        true
    }

    /// Nothing begins any more.
    pub(super) fn close(&self, now: Instant) -> Closed {
        let mut state = self.lock();
        if state.stage != Stage::Running {
            state.stage = Stage::Stopped(None);
            return Closed::default();
        }
        // One that hangs already has had its time.
        let latest = state.rows.iter().filter_map(|row| row.course.deadline()).filter(|deadline| *deadline > now).max();
        let until = latest.map(|deadline| now.checked_add(LAST_RUNS).map_or(deadline, |most| deadline.min(most)));
        state.stage = Stage::Stopped(until);
        let hanging = state.rows.iter().filter(|row| row.course.is_under_way() && row.course.deadline().is_none());
        let closed = Closed { awaits: until.is_some(), hanging: hanging.map(Row::thread).collect() };
        drop(state);
        self.changed.notify_all();
        closed
    }

    /// What there is to do; `None` once a shutdown has been requested.
    pub(super) fn todo(&self, now: Instant) -> Option<Todo> {
        let mut state = self.lock();
        if state.stage != Stage::Running {
            return None;
        }
        let mut todo = Todo::default();
        for (place, row) in state.rows.iter_mut().enumerate() {
            if row.course.is_late(now) {
                todo.late.push((Run { row: place, number: row.course.runs() }, row.thread));
            } else if let Some(body) = &row.body
                && row.course.begin(now)
            {
                row.thread = None;
                todo.due.push(Due {
                    run: Run { row: place, number: row.course.runs() },
                    name: row.course.planned().name.clone(),
                    body: Arc::clone(body),
                    deadline: row.course.deadline(),
                });
            }
        }
        Some(todo)
    }

    /// Waits until there may be something to do.
    pub(super) fn wait(&self, left: impl Fn(Instant) -> Duration, most: Duration) {
        let state = self.lock();
        if state.stage != Stage::Running {
            return;
        }
        let next = state.rows.iter().filter_map(|row| row.course.wakes_at()).min();
        let left = next.map_or(most, left).min(most);
        if !left.is_zero() {
            drop(self.changed.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner));
        }
    }

    /// Waits for the runs that are worth it once a shutdown has been requested; whether there were any.
    pub(super) fn wait_for_last(&self, left: impl Fn(Instant) -> Duration) -> bool {
        let mut state = self.lock();
        let Stage::Stopped(Some(until)) = state.stage else { return false };
        loop {
            let left = left(until);
            if left.is_zero() || state.rows.iter().all(|row| row.course.deadline().is_none()) {
                return true;
            }
            state = self.changed.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    /// A thread has a run.
    pub(super) fn began(&self, run: Run, thread: u64) {
        let mut state = self.lock();
        let row = &mut state.rows[run.row];
        if row.course.runs() == run.number {
            row.thread = Some(thread);
        }
    }

    /// A run has ended. What comes after the request for a shutdown says nothing any more.
    pub(super) fn ended(&self, run: Run, now: Instant, outcome: CheckOutcome) -> Option<Told> {
        let mut state = self.lock();
        let stopped = matches!(state.stage, Stage::Stopped(_));
        let row = &mut state.rows[run.row];
        row.thread = None;
        if stopped {
            row.course.leave(now);
            drop(state);
            self.changed.notify_all();
            return None;
        }
        let before = row.course.wakes_at();
        let judged = row.course.end(now, outcome);
        let sooner = row.course.wakes_at() < before;
        let told = row.told(judged);
        self.publish(&state);
        drop(state);
        if sooner {
            self.changed.notify_all();
        }
        Some(told)
    }

    /// A run is still under way past its time.
    pub(super) fn late(&self, run: Run, now: Instant, stuck: Option<String>) -> Option<Told> {
        let mut state = self.lock();
        if state.stage != Stage::Running {
            return None;
        }
        let row = &mut state.rows[run.row];
        // It may have ended while somebody looked where it hangs.
        if row.course.runs() != run.number || !row.course.is_late(now) {
            return None;
        }
        let judged = row.course.time_out(now, stuck).map_or(Judged::Same, Judged::Changed);
        let told = row.told(judged);
        self.publish(&state);
        Some(told)
    }

    /// Whether a run of this row is under way, and which: one that hung when the checks were stopped was told of then.
    pub(super) fn under_way(&self, row: usize) -> UnderWay {
        let state = self.lock();
        let row = &state.rows[row];
        match (row.course.is_under_way(), row.course.deadline()) {
            (false, _) => UnderWay::No,
            (true, Some(_)) => UnderWay::Still(row.thread()),
            (true, None) => UnderWay::Hanging,
        }
    }

    pub(super) fn all(&self) -> Vec<CheckReport> {
        self.lock().rows.iter().map(|row| row.course.report()).collect()
    }

    /// Drops the bodies, outside of the lock: their destructors are the user's.
    pub(super) fn drop_bodies(&self) {
        let bodies: Vec<_> = self.lock().rows.iter_mut().filter_map(|row| row.body.take()).collect();
        for body in bodies {
            panics::drop_quietly(body);
        }
    }

    /// What it all comes to, for those who ask without the lock.
    fn publish(&self, state: &State) {
        let (mut unready, mut dead) = (false, false);
        for row in &state.rows {
            let planned = row.course.planned();
            match (planned.kind, planned.criticality) {
                (CheckKind::Liveness, _) => dead |= row.course.status() == CheckStatus::Failing,
                (CheckKind::Readiness, Criticality::Critical) => unready |= row.course.status() != CheckStatus::Passing,
                (CheckKind::Readiness, Criticality::Informative) => {}
            }
        }
        self.flags.set(unready, dead);
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Row {
    fn thread(&self) -> Hanging {
        Hanging { name: self.course.planned().name.clone(), thread: self.thread }
    }

    fn told(&self, judged: Judged) -> Told {
        let report = self.course.report();
        let last = report.last.filter(|last| *last != CheckOutcome::Passed);
        Told {
            name: report.name,
            kind: report.kind,
            criticality: report.criticality,
            judged,
            failures: self.course.failures(),
            last,
        }
    }
}

impl Told {
    pub(super) fn change(&self) -> Option<Change> {
        match self.judged {
            Judged::Changed(change) => Some(change),
            Judged::Late | Judged::Same => None,
        }
    }
}
