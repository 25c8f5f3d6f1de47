//! How far it has come, for those who ask while it is under way.

use std::time::{Duration, Instant};

use super::Machine;
use crate::lifecycle::phase::Phase;
use crate::lifecycle::plan::HookId;
use crate::lifecycle::report::HookReport;

impl Machine {
    /// When the runtime began.
    pub(crate) fn born(&self) -> Instant {
        self.born
    }

    /// When the present phase began.
    pub(crate) fn entered(&self) -> Instant {
        self.entered
    }

    /// What a phase of the shutdown gets when everything before it takes as long as it may.
    pub(crate) fn planned(&self, phase: Phase) -> Duration {
        let (waits, reserved) = (self.plan.waits(self.plan.tasks_ask()), self.plan.reserved());
        match phase {
            Phase::LameDuck => waits.lame_duck.saturating_add(reserved.before_drain),
            Phase::Draining => waits.drain,
            Phase::StoppingTasks => waits.tasks,
            Phase::CleaningUp => reserved.cleanup,
            Phase::Flushing => reserved.flush,
            Phase::Starting | Phase::Serving | Phase::Exited => Duration::ZERO,
        }
    }

    /// When the present phase ends at the latest; `None` for one that has no end of its own.
    pub(crate) fn phase_deadline(&self) -> Option<Instant> {
        let reserved = self.plan.reserved();
        match self.phase {
            Phase::LameDuck => Some(self.wait_until().max(self.entered + reserved.before_drain)),
            Phase::Draining | Phase::StoppingTasks => Some(self.wait_until()),
            Phase::CleaningUp => Some(self.entered + reserved.cleanup),
            Phase::Flushing => Some(self.entered + reserved.flush),
            Phase::Starting | Phase::Serving | Phase::Exited => None,
        }
    }

    /// Since when a hook runs; `None` unless it does.
    pub(crate) fn running_since(&self, id: HookId) -> Option<Instant> {
        self.running.iter().find(|(running, _, _)| *running == id).map(|(_, began, _)| *began)
    }

    /// What became of a hook; `None` before it has come to its end.
    pub(crate) fn hook_report(&self, id: HookId) -> Option<&HookReport> {
        // Names are unique in a plan.
        let name = &self.plan.hook(id).name;
        self.report.hooks.iter().find(|report| report.name == *name)
    }
}
