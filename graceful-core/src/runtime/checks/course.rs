//! The course of one check: what its runs come to. Pure: it is told the time, and knows of no thread.

use std::time::{Duration, Instant};

use super::report::{CheckOutcome, CheckReport, CheckStatus};
use super::schedule::{Schedule, later};
use crate::lifecycle::checks::PlannedCheck;

/// Everything that is known of a check but its body.
#[derive(Debug)]
pub(super) struct Course {
    planned: PlannedCheck,
    turn: Turn,
    status: CheckStatus,
    since: Instant,
    last: Option<CheckOutcome>,
    took: Option<Duration>,
    runs: u64,
    failures: u32,
    successes: u32,
}

/// Where it is in its schedule.
#[derive(Clone, Copy, Debug)]
enum Turn {
    /// The service does not serve yet.
    Parked,
    Waiting {
        schedule: Schedule,
        due: Instant,
    },
    Running {
        schedule: Schedule,
        due: Instant,
        began: Instant,
    },
    /// It is past its timeout, and fails once more at each of its turns; `turn` is the next that is judged.
    Hanging {
        schedule: Schedule,
        turn: Instant,
        began: Instant,
    },
}

/// Its status has changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Change {
    pub(super) from: CheckStatus,
    pub(super) to: CheckStatus,
    /// How long it was what it was.
    pub(super) after: Duration,
}

/// What has become of the end of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Judged {
    Changed(Change),
    /// It came after its time was over, and had been judged for that.
    Late,
    Same,
}

impl Course {
    pub(super) fn new(planned: PlannedCheck, now: Instant) -> Self {
        Self {
            planned,
            turn: Turn::Parked,
            status: CheckStatus::Unknown,
            since: now,
            last: None,
            took: None,
            runs: 0,
            failures: 0,
            successes: 0,
        }
    }

    pub(super) fn planned(&self) -> &PlannedCheck {
        &self.planned
    }

    pub(super) fn status(&self) -> CheckStatus {
        self.status
    }

    /// How often it was begun, which is also the number of the run that is under way.
    pub(super) fn runs(&self) -> u64 {
        self.runs
    }

    pub(super) fn failures(&self) -> u32 {
        self.failures
    }

    /// It is due at once, and then at its turns. `place`: its number among the checks of the service.
    pub(super) fn schedule(&mut self, now: Instant, place: usize) {
        if let Turn::Parked = self.turn {
            let schedule = Schedule::new(now, self.planned.every, place);
            self.turn = Turn::Waiting { schedule, due: schedule.first() };
        }
    }

    /// When there is something to do: it is due, or its time is over.
    pub(super) fn wakes_at(&self) -> Option<Instant> {
        match self.turn {
            Turn::Parked => None,
            Turn::Waiting { due, .. } => Some(due),
            Turn::Running { began, .. } => Some(later(began, self.planned.timeout)),
            Turn::Hanging { turn, .. } => Some(later(turn, self.planned.timeout)),
        }
    }

    /// Begins a run if it is due; one that runs or hangs is not begun a second time.
    pub(super) fn begin(&mut self, now: Instant) -> bool {
        let Turn::Waiting { schedule, due } = self.turn else { return false };
        if now < due {
            return false;
        }
        self.turn = Turn::Running { schedule, due, began: now };
        self.runs += 1;
        true
    }

    /// Until when the run that is under way may take; `None` when there is none, or it is past that.
    pub(super) fn deadline(&self) -> Option<Instant> {
        match self.turn {
            Turn::Running { began, .. } => Some(later(began, self.planned.timeout)),
            _ => None,
        }
    }

    /// Whether the run that is under way is to be judged as late.
    pub(super) fn is_late(&self, now: Instant) -> bool {
        self.is_under_way() && self.wakes_at().is_some_and(|at| at <= now)
    }

    /// The run that is under way has not ended in time: that is a failure, and one more at each turn that it misses.
    pub(super) fn time_out(&mut self, now: Instant, stuck: Option<String>) -> Option<Change> {
        if !self.is_late(now) {
            return None;
        }
        let (schedule, judged, began) = match self.turn {
            Turn::Running { schedule, due, began } => (schedule, due, began),
            Turn::Hanging { schedule, turn, began } => (schedule, turn, began),
            Turn::Parked | Turn::Waiting { .. } => return None,
        };
        // However late this comes, after a stop of the whole process for instance, it is one failure.
        let caught_up = now.checked_sub(self.planned.timeout).map_or(judged, |at| schedule.after(at));
        self.turn = Turn::Hanging { schedule, turn: schedule.after(judged).max(caught_up), began };
        self.took = Some(now.saturating_duration_since(began));
        self.record(now, CheckOutcome::TimedOut { timeout: self.planned.timeout, stuck })
    }

    /// The run that is under way has ended.
    pub(super) fn end(&mut self, now: Instant, outcome: CheckOutcome) -> Judged {
        let (schedule, began) = match self.turn {
            Turn::Running { schedule, began, .. } => (schedule, began),
            Turn::Hanging { schedule, .. } => {
                self.turn = Turn::Waiting { schedule, due: schedule.after(now) };
                return Judged::Late;
            }
            Turn::Parked | Turn::Waiting { .. } => return Judged::Same,
        };
        self.turn = Turn::Waiting { schedule, due: schedule.after(now) };
        self.took = Some(now.saturating_duration_since(began));
        self.record(now, outcome).map_or(Judged::Same, Judged::Changed)
    }

    /// The run that is under way has ended, and nobody cares for its result any more.
    pub(super) fn leave(&mut self, now: Instant) {
        if let Turn::Running { schedule, .. } | Turn::Hanging { schedule, .. } = self.turn {
            self.turn = Turn::Waiting { schedule, due: schedule.after(now) };
        }
    }

    pub(super) fn is_under_way(&self) -> bool {
        matches!(self.turn, Turn::Running { .. } | Turn::Hanging { .. })
    }

    pub(super) fn report(&self) -> CheckReport {
        let running_since = match self.turn {
            Turn::Running { began, .. } | Turn::Hanging { began, .. } => Some(began),
            Turn::Parked | Turn::Waiting { .. } => None,
        };
        CheckReport {
            name: self.planned.name.clone(),
            kind: self.planned.kind,
            criticality: self.planned.criticality,
            status: self.status,
            since: self.since,
            last: self.last.clone(),
            took: self.took,
            running_since,
            runs: self.runs,
            failures_in_a_row: self.failures,
        }
    }

    fn record(&mut self, now: Instant, outcome: CheckOutcome) -> Option<Change> {
        if outcome == CheckOutcome::Passed {
            self.successes = self.successes.saturating_add(1);
            self.failures = 0;
        } else {
            self.failures = self.failures.saturating_add(1);
            self.successes = 0;
        }
        self.last = Some(outcome);
        let from = self.status;
        let to = match from {
            // The first result counts at once.
            CheckStatus::Unknown if self.failures > 0 => CheckStatus::Failing,
            CheckStatus::Unknown => CheckStatus::Passing,
            CheckStatus::Passing if self.failures >= self.planned.failures => CheckStatus::Failing,
            CheckStatus::Failing if self.successes >= self.planned.successes => CheckStatus::Passing,
            same => same,
        };
        if from == to {
            return None;
        }
        let after = now.saturating_duration_since(self.since);
        self.status = to;
        self.since = now;
        Some(Change { from, to, after })
    }
}
