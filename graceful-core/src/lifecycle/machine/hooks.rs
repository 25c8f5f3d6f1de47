//! Hooks: one group after the other, each hook with a deadline of its own.

use std::time::{Duration, Instant};

use super::{Action, Machine};
use crate::lifecycle::hooks::HookPhase;
use crate::lifecycle::plan::HookId;
use crate::lifecycle::report::{HookOutcome, HookReport, Skip};
use crate::text::owned;

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
            self.act(Action::RunHook { id, deadline });
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
                self.act(Action::AbandonHook(id));
                self.finish_hook(now, id, HookOutcome::TimedOut);
                self.running.swap_remove(nth);
            } else {
                nth += 1;
            }
        }
    }

    /// Puts the hooks of the report into the order in which they were to run. Those that ran in parallel came to their ends in
    /// any order; those that are not in it did not run.
    pub(super) fn arrange_hooks(&mut self, now: Instant) {
        let mut reports: Vec<Option<HookReport>> = self.plan.hooks().iter().map(|_| None).collect();
        for (id, report) in self.reported.drain(..).zip(self.report.hooks.drain(..)) {
            reports[id.0] = Some(report);
        }
        for id in self.plan.in_order() {
            match reports[id.0].take() {
                Some(report) => {
                    self.reported.push(id);
                    self.report.hooks.push(report);
                }
                None => self.finish_hook(now, id, HookOutcome::Skipped(Skip::NoTime)),
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
            HookOutcome::Failed(error) => self.report.miss(&format_args!("hook {name} failed: {error}")),
            HookOutcome::Panicked(message) => self.report.miss(&format_args!("hook {name} panicked: {message}")),
            HookOutcome::Skipped(skip) => self.report.miss(&format_args!("hook {name} was skipped: {skip}")),
            HookOutcome::TimedOut => {
                let after = crate::observe::show(took.min(hook.timeout));
                self.report.miss(&format_args!("hook {name} was abandoned after {after}"));
            }
        }
        self.reported.push(id);
        self.report.hooks.push(HookReport {
            name: owned(&hook.name),
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
