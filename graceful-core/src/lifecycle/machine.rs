//! The lifecycle as a pure state machine: events in, actions out, no clock of its own.
//!
//! The coordinator hands it what happened and when, performs the actions it asks for, and sleeps until
//! [`next_deadline`](Machine::next_deadline). Deadlines of the waits are derived, never stored: they follow from when the
//! phase began, what was asked for and what is reserved behind it, so a hook that is added late moves them by itself.

mod deadlines;
mod event;
mod hooks;
mod progress;

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use super::escalation::{Ladder, Step};
use super::exit::Outcome;
use super::hooks::{HookPhase, PlannedHook};
use super::phase::Phase;
use super::plan::{HookId, Plan};
use super::reason::{Reason, Sender, Signal};
use super::report::{HookOutcome, PhaseEnd, PhaseReport, Report, SignalReport};

use crate::text::owned;

pub(crate) use event::{Action, AddError, Event, Rules};

/// How long what is cancelled has to leave by itself before it is cut: at the end of the drain, and for every wait once a
/// second signal asked for haste.
pub(crate) const CANCEL_GRACE: Duration = Duration::from_millis(250);

#[derive(Debug)]
pub(crate) struct Machine {
    rules: Rules,
    plan: Plan,
    phase: Phase,
    born: Instant,
    entered: Instant,
    requested: Option<Instant>,
    /// When a second signal asked for haste.
    hastened: Option<Instant>,
    ladder: Ladder,
    cancelled: bool,
    drained: bool,
    /// Whoever is to be joined: tasks, and `main` until it has returned.
    tasks: usize,
    main_rests: bool,
    flush_began: Option<Instant>,
    flushed: bool,
    /// Groups of the current hook phase that have not begun, last first.
    groups: Vec<Vec<HookId>>,
    running: Vec<(HookId, Instant, Instant)>,
    /// Whose the hooks of the report are.
    reported: Vec<HookId>,
    actions: VecDeque<Action>,
    report: Report,
}

impl Machine {
    pub(crate) fn new(rules: Rules, plan: Plan, now: Instant) -> Self {
        let report = Report::new(rules.service.clone(), plan.budgets().timeout);
        Self {
            rules,
            plan,
            phase: Phase::Starting,
            born: now,
            entered: now,
            requested: None,
            hastened: None,
            ladder: Ladder::default(),
            cancelled: false,
            drained: false,
            tasks: 0,
            main_rests: false,
            flush_began: None,
            flushed: false,
            groups: Vec::new(),
            running: Vec::new(),
            reported: Vec::new(),
            actions: VecDeque::new(),
            report,
        }
    }

    pub(crate) fn phase(&self) -> Phase {
        self.phase
    }

    pub(crate) fn plan(&self) -> &Plan {
        &self.plan
    }

    pub(crate) fn reason(&self) -> &Reason {
        &self.report.reason
    }

    pub(crate) fn requested(&self) -> Option<Instant> {
        self.requested
    }

    pub(crate) fn report(&self) -> &Report {
        &self.report
    }

    /// What happened, taken at the end. All that is left here is the reason.
    pub(crate) fn take_report(&mut self) -> Report {
        let left = Report::new(owned(&self.report.service), self.report.timeout);
        let report = std::mem::replace(&mut self.report, left);
        self.report.reason = report.reason.clone();
        report
    }

    /// For what only the runtime knows: connections, tickets, tasks, where things are stuck.
    pub(crate) fn report_mut(&mut self) -> &mut Report {
        &mut self.report
    }

    /// Adds a hook, at any time before its turn.
    pub(crate) fn add_hook(&mut self, hook: PlannedHook) -> Result<HookId, AddError> {
        let last = match hook.phase {
            HookPhase::BeforeDrain => Phase::Serving,
            HookPhase::Cleanup | HookPhase::Flush => Phase::StoppingTasks,
        };
        if self.phase > last {
            return Err(AddError::TooLate);
        }
        self.plan.add_hook(hook).map_err(AddError::Plan)
    }

    pub(crate) fn plan_mut(&mut self) -> &mut Plan {
        &mut self.plan
    }

    pub(crate) fn event(&mut self, now: Instant, event: Event) {
        if self.phase == Phase::Exited {
            return;
        }
        match event {
            Event::Drained => self.drained = true,
            Event::Flushed => self.flushed = true,
            Event::Forced { by } => self.force_by(now, by),
            Event::HookDone { id, outcome } => self.hook_done(now, id, outcome),
            Event::Requested(reason) => self.request(now, reason),
            Event::Signal { signal, sender, millis } => self.signal(now, signal, sender, millis),
            Event::MainRests => self.main_rests = true,
            Event::Started => {
                if self.phase == Phase::Starting {
                    self.phase = Phase::Serving;
                    self.entered = now;
                }
            }
            Event::TaskBegan => self.tasks += 1,
            Event::TaskEnded => self.tasks = self.tasks.saturating_sub(1),
            Event::Tick => {}
        }
        self.advance(now);
    }

    pub(crate) fn poll_action(&mut self) -> Option<Action> {
        self.actions.pop_front()
    }

    /// When [`Event::Tick`] is due; `None` when only an event can change anything.
    pub(crate) fn next_deadline(&self) -> Option<Instant> {
        let requested = self.requested?;
        if self.phase == Phase::Exited {
            return None;
        }
        let hooks = self.running.iter().map(|(_, _, deadline)| *deadline).min();
        let wait = match self.phase {
            // Once its time is over, the lame duck waits for hooks only.
            Phase::LameDuck if self.hooks_idle() => Some(self.wait_until()),
            Phase::Draining if !self.cancelled => Some(self.cancel_at()),
            Phase::Draining | Phase::StoppingTasks => Some(self.wait_until()),
            Phase::Flushing => self.flush_began.map(|began| began + self.plan.budgets().flush),
            _ => None,
        };
        [hooks, wait, Some(self.hard_deadline(requested))].into_iter().flatten().min()
    }

    fn hard_deadline(&self, requested: Instant) -> Instant {
        requested + self.plan.budgets().timeout + self.rules.overrun
    }

    fn request(&mut self, now: Instant, reason: Reason) {
        if self.requested.is_some() {
            // What fails while it stops still decides the exit code; the reason stays the first.
            self.note_failure(&reason);
            return;
        }
        self.requested = Some(now);
        self.note_failure(&reason);
        let was = self.phase;
        self.report.reason = reason;
        self.groups = self.reversed_groups(HookPhase::BeforeDrain);
        if was == Phase::Starting {
            // It was never ready: there is nobody to look away.
            self.plan.drop_lame_duck();
        }
        self.enter(now, Phase::LameDuck, PhaseEnd::Done);
    }

    fn signal(&mut self, now: Instant, signal: Signal, sender: Option<Sender>, millis: u64) {
        let (ladder, step) = self.ladder.count(millis, self.rules.debounce);
        self.ladder = ladder;
        if self.requested.is_none() {
            self.request(now, Reason::Signal { signal, sender });
        } else {
            match step {
                None | Some(Step::Graceful) => {}
                Some(Step::Fast) => {
                    if self.hastened.is_none() {
                        self.hastened = Some(now);
                        self.act(Action::Hasten);
                    }
                }
                Some(Step::ExitNow) => {
                    let why = format!("{signal} ended the process while it was {}", self.phase);
                    self.force(now, Outcome::Forced(signal), why);
                }
            }
        }
        let at = self.since_request(now);
        let effect = step.map_or("debounced", Step::name);
        self.report.signals.push(SignalReport { at, signal, sender, effect });
    }

    /// Not inlined: it is called wherever something comes of an event.
    #[inline(never)]
    fn act(&mut self, action: Action) {
        self.actions.push_back(action);
    }

    fn note_failure(&mut self, reason: &Reason) {
        let outcome = match reason {
            Reason::MainPanicked(_) | Reason::TaskPanicked { .. } => Outcome::Panicked,
            Reason::MainFailed(_) | Reason::StartFailed(_) | Reason::TaskFailed { .. } => Outcome::Failed,
            Reason::MainReturned | Reason::Requested(_) | Reason::Signal { .. } => return,
        };
        if self.requested.is_some() && self.phase.is_stopping() {
            self.report.miss(&reason);
        }
        if self.report.outcome != Outcome::Panicked {
            self.report.outcome = outcome;
        }
    }

    /// Takes every step that is due, until nothing is.
    fn advance(&mut self, now: Instant) {
        let Some(requested) = self.requested else { return };
        loop {
            self.expire_hooks(now);
            let before = (self.phase, self.groups.len(), self.running.len(), self.flush_began);
            match self.phase {
                Phase::LameDuck => {
                    if self.run_groups(now) && now >= self.wait_until() {
                        self.enter(now, Phase::Draining, PhaseEnd::Done);
                    }
                }
                Phase::Draining => {
                    if self.drained {
                        self.enter(now, Phase::StoppingTasks, PhaseEnd::Done);
                    } else if now >= self.wait_until() {
                        self.cancel();
                        self.act(Action::Cut);
                        self.enter(now, Phase::StoppingTasks, PhaseEnd::Deadline);
                    } else if now >= self.cancel_at() {
                        self.cancel();
                    }
                }
                Phase::StoppingTasks => {
                    if self.tasks == 0 {
                        self.enter(now, Phase::CleaningUp, PhaseEnd::Done);
                    } else if now >= self.wait_until() {
                        self.act(Action::AbandonTasks);
                        self.enter(now, Phase::CleaningUp, PhaseEnd::Deadline);
                    }
                }
                Phase::CleaningUp => {
                    if self.run_groups(now) {
                        self.enter(now, Phase::Flushing, PhaseEnd::Done);
                    }
                }
                Phase::Flushing => {
                    if self.run_groups(now) {
                        self.flush(now);
                    }
                }
                Phase::Starting | Phase::Serving | Phase::Exited => return,
            }
            if before == (self.phase, self.groups.len(), self.running.len(), self.flush_began) {
                break;
            }
        }
        if now >= self.hard_deadline(requested) {
            let why = format!("the total ran out while it was {}", self.phase);
            self.force(now, Outcome::DeadlineExceeded, why);
        }
    }

    fn enter(&mut self, now: Instant, phase: Phase, end: PhaseEnd) {
        self.close_phase(now, end);
        self.phase = phase;
        self.entered = now;
        let deadline = match phase {
            Phase::LameDuck => self.wait_until().max(now + self.plan.reserved().before_drain),
            Phase::Draining | Phase::StoppingTasks => self.wait_until(),
            Phase::CleaningUp => now + self.plan.reserved().cleanup,
            _ => now + self.plan.reserved().flush,
        };
        let (began, budget) = (self.since_request(now), deadline.saturating_duration_since(now));
        self.act(Action::Enter { phase, deadline, budget });
        let report = PhaseReport { phase, budget, began, took: Duration::ZERO, end: PhaseEnd::Done };
        self.report.phases.push(report);
        match phase {
            Phase::Draining => self.act(Action::Drain),
            Phase::StoppingTasks => self.act(Action::StopTasks { deadline }),
            Phase::CleaningUp => self.groups = self.reversed_groups(HookPhase::Cleanup),
            Phase::Flushing => self.groups = self.reversed_groups(HookPhase::Flush),
            _ => {}
        }
    }

    fn close_phase(&mut self, now: Instant, end: PhaseEnd) {
        let hastened = self.hastened.is_some_and(|at| at >= self.entered);
        let at = self.since_request(now);
        if let Some(phase) = self.report.phases.last_mut() {
            phase.took = at.saturating_sub(phase.began);
            // A lame duck is done when its time is over; one that had time left was cut short.
            let cut_short = end == PhaseEnd::Deadline || phase.phase == Phase::LameDuck && phase.took < phase.budget;
            phase.end = if hastened && cut_short { PhaseEnd::Escalated } else { end };
        }
    }

    fn cancel(&mut self) {
        if !self.cancelled {
            self.cancelled = true;
            self.act(Action::Cancel);
        }
    }

    fn flush(&mut self, now: Instant) {
        let Some(began) = self.flush_began else {
            self.flush_began = Some(now);
            self.act(Action::Flush { budget: self.plan.budgets().flush });
            return;
        };
        let overdue = now >= began + self.plan.budgets().flush;
        if self.flushed || overdue {
            if !self.flushed {
                self.report.miss(&"the flush of the logs did not end in time");
            }
            self.close_phase(now, if self.flushed { PhaseEnd::Done } else { PhaseEnd::Deadline });
            self.finish(now);
            self.act(Action::Exit);
        }
    }

    fn force_by(&mut self, now: Instant, by: String) {
        let why = format!("the end was forced while it was {}, by {by}", self.phase);
        if self.requested.is_none() {
            self.request(now, Reason::Requested(by));
        }
        self.force(now, Outcome::ForcedByRequest, why);
    }

    fn force(&mut self, now: Instant, outcome: Outcome, why: String) {
        if self.phase == Phase::Exited {
            return;
        }
        self.close_phase(now, PhaseEnd::Escalated);
        self.report.incomplete.push(why);
        while let Some((id, _, _)) = self.running.first().copied() {
            self.act(Action::AbandonHook(id));
            self.finish_hook(now, id, HookOutcome::TimedOut);
            self.running.remove(0);
        }
        self.report.outcome = outcome;
        self.finish(now);
        self.act(Action::ForceExit);
    }

    /// The report as it is when every hook has run and nothing is left but the flush of the logs.
    pub(crate) fn settled(&mut self, now: Instant) -> Report {
        self.settle();
        self.arrange_hooks(now);
        let mut report = self.report.clone();
        report.took = self.since_request(now);
        if let Some(phase) = report.phases.last_mut() {
            phase.took = report.took.saturating_sub(phase.began);
        }
        report
    }

    fn finish(&mut self, now: Instant) {
        self.arrange_hooks(now);
        self.phase = Phase::Exited;
        self.report.took = self.since_request(now);
        self.settle();
    }

    /// Whether the flush of the logs was asked for, and with it the report completed with what only the runtime knows.
    pub(crate) fn is_flushing(&self) -> bool {
        self.flush_began.is_some()
    }

    /// The outcome as it stands: a clean one becomes incomplete when anything was left undone.
    pub(crate) fn settle(&mut self) {
        if self.report.outcome == Outcome::Clean && !self.report.incomplete.is_empty() {
            self.report.outcome = Outcome::Incomplete;
        }
        self.report.exit_code = self.report.outcome.exit_code(self.rules.incomplete_exit_code);
    }
}
