//! When the waits end: derived from when the phase began, what was asked for, and what is reserved behind it.

use std::time::{Duration, Instant};

use super::{CANCEL_GRACE, Machine};
use crate::lifecycle::budget::DrainEnd;
use crate::lifecycle::phase::Phase;

impl Machine {
    pub(super) fn since_request(&self, now: Instant) -> Duration {
        self.requested.map_or(Duration::ZERO, |requested| now.saturating_duration_since(requested))
    }

    /// When the wait of the current phase ends: after what was asked for, or where the time of what comes behind begins.
    pub(super) fn wait_until(&self) -> Instant {
        let Some(requested) = self.requested else { return self.entered };
        let budgets = self.plan.budgets();
        let reserved = self.plan.reserved();
        let waits = self.plan.waits(self.tasks_ask());
        let (asked, behind) = match self.phase {
            Phase::LameDuck => (budgets.lame_duck, waits.drain + waits.tasks + reserved.cleanup + reserved.flush),
            Phase::Draining => {
                let asked = match budgets.drain_end {
                    DrainEnd::Budget => budgets.drain,
                    DrainEnd::Reserve => budgets.timeout,
                };
                (asked, waits.tasks + reserved.cleanup + reserved.flush)
            }
            _ => (budgets.tasks, reserved.cleanup + reserved.flush),
        };
        let latest = requested + budgets.timeout.saturating_sub(behind);
        let until = (self.entered + asked).min(latest);
        match (self.hastened, self.phase) {
            (None, _) => until,
            (Some(at), Phase::LameDuck) => until.min(at),
            (Some(at), _) => until.min(at.max(self.entered) + CANCEL_GRACE),
        }
    }

    /// What is set aside for tasks while the drain has its time.
    pub(super) fn tasks_ask(&self) -> Duration {
        let budget = self.plan.budgets().tasks;
        match self.tasks {
            0 => Duration::ZERO,
            1 if self.main_rests => budget.min(CANCEL_GRACE),
            _ => budget,
        }
    }

    /// When work in flight is told to leave: a little before it is cut, at once when hastened.
    pub(super) fn cancel_at(&self) -> Instant {
        if let Some(at) = self.hastened {
            return at.max(self.entered);
        }
        let until = self.wait_until();
        let span = until.saturating_duration_since(self.entered);
        until - CANCEL_GRACE.min(span / 4)
    }
}
