//! Hooks: one group after the other, each hook with a deadline of its own.

use std::time::{Duration, Instant};

use super::{Action, Machine};
use crate::lifecycle::hooks::HookPhase;
use crate::lifecycle::plan::HookId;
use crate::lifecycle::report::{HookOutcome, HookReport, Skip};

impl Machine {
    pub(super) fn reversed_groups(&self, phase: HookPhase) -> Vec<Vec<HookId>> {
        let mut groups = self.plan.groups(phase);
        groups.reverse();
        groups
    }

    pub(super) fn hooks_idle(&self) -> bool {
        self.running.is_empty() && self.groups.is_empty()
    }

    /// Begins the next group when the last has ended; `true` when there is none left.
    pub(super) fn run_groups(&mut self, now: Instant) -> bool {
        if !self.running.is_empty() {
            return false;
        }
        let Some(group) = self.groups.pop() else { return true };
        for id in group {
            let deadline = now + self.plan.hook(id).timeout;
            self.running.push((id, now, deadline));
            self.actions.push_back(Action::RunHook { id, deadline });
        }
        false
    }

    pub(super) fn hook_done(&mut self, now: Instant, id: HookId, outcome: HookOutcome) {
        // A hook that was abandoned may still come to its end: that is too late to count.
        let Some(nth) = self.running.iter().position(|(running, _, _)| *running == id) else { return };
        self.finish_hook(now, id, outcome);
        self.running.swap_remove(nth);
    }

    pub(super) fn expire_hooks(&mut self, now: Instant) {
        let mut nth = 0;
        while nth < self.running.len() {
            let (id, _, deadline) = self.running[nth];
            if now >= deadline {
                self.actions.push_back(Action::AbandonHook(id));
                self.finish_hook(now, id, HookOutcome::TimedOut);
                self.running.swap_remove(nth);
            } else {
                nth += 1;
            }
        }
    }

    pub(super) fn finish_hook(&mut self, now: Instant, id: HookId, outcome: HookOutcome) {
        let hook = self.plan.hook(id);
        let name = &hook.name;
        let began = self.running.iter().find(|(running, _, _)| *running == id).map(|(_, began, _)| *began);
        let took = began.map_or(Duration::ZERO, |began| now.saturating_duration_since(began));
        match &outcome {
            HookOutcome::Completed | HookOutcome::Skipped(Skip::Missing(_)) => {}
            HookOutcome::Failed(error) => self.report.incomplete.push(format!("hook {name} failed: {error}")),
            HookOutcome::Panicked(message) => self.report.incomplete.push(format!("hook {name} panicked: {message}")),
            HookOutcome::Skipped(skip) => self.report.incomplete.push(format!("hook {name} was skipped: {skip}")),
            HookOutcome::TimedOut => {
                let after = crate::observe::show(took.min(hook.timeout));
                self.report.incomplete.push(format!("hook {name} was abandoned after {after}"));
            }
        }
        self.reported.push(id);
        self.report.hooks.push(HookReport {
            name: hook.name.clone(),
            phase: hook.phase,
            order: hook.order,
            timeout: hook.timeout,
            origin: hook.origin,
            began: began.map(|began| self.since_request(began)),
            took,
            outcome,
            stuck: None,
        });
    }
}
