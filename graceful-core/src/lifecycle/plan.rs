//! The plan: what will happen at shutdown, known before user code runs, and refused when it cannot be kept.

use std::error::Error;
use std::fmt;
use std::time::Duration;

use super::budget::{Budgets, DrainEnd, Reserved, Waits};
use super::checks::{CheckKind, PlannedCheck};
use super::hooks::{HookPhase, Origin, PlannedHook, WorstCase};
use super::rank::rank;
use crate::observe::show;
use crate::text::owned;

/// A background task in the plan.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct PlannedTask {
    pub(crate) name: String,
    /// `None`: long-running.
    pub(crate) every: Option<Duration>,
    pub(crate) origin: Option<&'static Origin>,
}

/// A reload hook in the plan.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct PlannedReload {
    pub(crate) name: String,
    pub(crate) timeout: Duration,
    pub(crate) origin: Option<&'static Origin>,
}

/// Index of a hook in its plan.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct HookId(pub(crate) usize);

/// Something that has a name, by its place among its own.
#[derive(Clone, Copy, Debug)]
enum Named {
    Hook(usize),
    Task(usize),
    Reload(usize),
    Check(usize),
}

/// Everything that is to happen, and how long it may take.
#[derive(Clone, Debug, Default)]
pub(crate) struct Plan {
    budgets: Budgets,
    hooks: Vec<PlannedHook>,
    tasks: Vec<PlannedTask>,
    reloads: Vec<PlannedReload>,
    checks: Vec<PlannedCheck>,
    /// Kinds of checks that the settings turn off.
    off: Vec<CheckKind>,
    /// Everything, sorted by name: a report in which two rows are called the same helps nobody.
    named: Vec<Named>,
    worst: WorstCase,
}

impl Plan {
    pub(crate) fn new(budgets: Budgets) -> Result<Self, PlanError> {
        let plan = Self { budgets, ..Self::default() };
        plan.check_sum(plan.reserved().sum())?;
        Ok(plan)
    }

    /// Adds the hooks that are known at the start. Their sum is looked at first, so that the error shows all of it.
    pub(crate) fn add_hooks(&mut self, hooks: Vec<PlannedHook>) -> Result<(), PlanError> {
        let mut worst = self.worst.clone();
        for hook in &hooks {
            worst.add(hook.phase, hook.order, hook.timeout);
        }
        self.check_hooks(worst.reserved(self.budgets.flush).sum(), &hooks)?;
        hooks.into_iter().try_for_each(|hook| self.add_hook(hook).map(drop))
    }

    /// Adds a hook, unless its name is taken or the sum would pass the total.
    pub(crate) fn add_hook(&mut self, hook: PlannedHook) -> Result<HookId, PlanError> {
        if hook.timeout.is_zero() {
            return Err(PlanError::ZeroTimeout { name: hook.name });
        }
        let more = self.worst.more(hook.phase, hook.order, hook.timeout);
        self.check_hooks(self.reserved().sum().saturating_add(more), std::slice::from_ref(&hook))?;
        self.claim_name(&hook.name, hook.origin, Named::Hook(self.hooks.len()))?;
        self.worst.add(hook.phase, hook.order, hook.timeout);
        self.hooks.push(hook);
        Ok(HookId(self.hooks.len() - 1))
    }

    pub(crate) fn add_task(&mut self, task: PlannedTask) -> Result<(), PlanError> {
        self.claim_name(&task.name, task.origin, Named::Task(self.tasks.len()))?;
        self.tasks.push(task);
        Ok(())
    }

    pub(crate) fn add_reload(&mut self, reload: PlannedReload) -> Result<(), PlanError> {
        self.claim_name(&reload.name, reload.origin, Named::Reload(self.reloads.len()))?;
        self.reloads.push(reload);
        Ok(())
    }

    pub(crate) fn add_check(&mut self, check: PlannedCheck) -> Result<(), PlanError> {
        self.claim_name(&check.name, check.origin, Named::Check(self.checks.len()))?;
        self.checks.push(check);
        Ok(())
    }

    /// Notes that no check of a kind runs.
    pub(crate) fn turn_off(&mut self, kind: CheckKind) {
        self.off.push(kind);
    }

    /// Gives up the lame duck: a service that was never ready has nobody to look away.
    pub(crate) fn drop_lame_duck(&mut self) {
        self.budgets.lame_duck = Duration::ZERO;
    }

    /// Lowers the total. Hooks keep the time they were promised only as far as it goes.
    pub(crate) fn limit(&mut self, timeout: Duration) {
        self.budgets.timeout = self.budgets.timeout.min(timeout);
    }

    pub(crate) fn budgets(&self) -> &Budgets {
        &self.budgets
    }

    pub(crate) fn hooks(&self) -> &[PlannedHook] {
        &self.hooks
    }

    pub(crate) fn hook(&self, id: HookId) -> &PlannedHook {
        &self.hooks[id.0]
    }

    pub(crate) fn tasks(&self) -> &[PlannedTask] {
        &self.tasks
    }

    pub(crate) fn checks(&self) -> &[PlannedCheck] {
        &self.checks
    }

    pub(crate) fn kinds_off(&self) -> &[CheckKind] {
        &self.off
    }

    pub(crate) fn reloads(&self) -> &[PlannedReload] {
        &self.reloads
    }

    /// Hook ids in the order in which they run: by phase, order, crate, module, line. Link order plays no part.
    pub(crate) fn in_order(&self) -> Vec<HookId> {
        let key = |place: usize| {
            let hook = &self.hooks[place];
            (hook.phase, hook.order, hook.origin.is_none(), hook.origin)
        };
        rank(self.hooks.len(), &|a, b| key(a).cmp(&key(b))).into_iter().map(HookId).collect()
    }

    /// The groups of a phase, by ascending order; the hooks of a group run in parallel.
    pub(crate) fn groups(&self, phase: HookPhase) -> Vec<Vec<HookId>> {
        let mut groups: Vec<Vec<HookId>> = Vec::new();
        for id in self.in_order() {
            let hook = self.hook(id);
            if hook.phase != phase {
                continue;
            }
            match groups.last_mut() {
                Some(group) if self.hook(group[0]).order == hook.order => group.push(id),
                _ => groups.push(vec![id]),
            }
        }
        groups
    }

    /// Time that belongs to hooks and the flush.
    #[inline(never)]
    pub(crate) fn reserved(&self) -> Reserved {
        self.worst.reserved(self.budgets.flush)
    }

    /// What the waits get when everything before them takes all it may. `tasks`: what the tasks ask for.
    pub(crate) fn waits(&self, tasks: Duration) -> Waits {
        let reserved = self.reserved();
        // The hooks before the drain run while the service is a lame duck: only what exceeds them is a wait of its own.
        let beyond = self.budgets.lame_duck.saturating_sub(reserved.before_drain);
        let left = self.budgets.timeout.saturating_sub(reserved.sum());
        let drain = match self.budgets.drain_end {
            DrainEnd::Budget => self.budgets.drain,
            DrainEnd::Reserve => left.saturating_sub(beyond.saturating_add(tasks)).max(self.budgets.drain),
        };
        Waits::share(beyond, drain, tasks, left)
    }

    /// The tasks' budget, if there is any task.
    pub(crate) fn tasks_ask(&self) -> Duration {
        if self.tasks.is_empty() { Duration::ZERO } else { self.budgets.tasks }
    }

    /// How long a shutdown takes when everything takes as long as it may.
    pub(crate) fn worst_case(&self) -> Duration {
        let waits = self.waits(self.tasks_ask());
        [waits.lame_duck, waits.drain, waits.tasks]
            .into_iter()
            .fold(self.reserved().sum(), |sum, wait| sum.saturating_add(wait))
    }

    /// Whether the hooks are possible with `more` of them; the error names all.
    #[inline(never)]
    fn check_hooks(&self, sum: Duration, more: &[PlannedHook]) -> Result<(), PlanError> {
        self.check_sum(sum).map_err(|error| error.naming(&mut self.hooks.iter().chain(more)))
    }

    fn check_sum(&self, sum: Duration) -> Result<(), PlanError> {
        if sum <= self.budgets.timeout {
            return Ok(());
        }
        Err(PlanError::Impossible { timeout: self.budgets.timeout, sum, flush: self.budgets.flush, parts: Vec::new() })
    }

    /// What is called so is added next.
    #[inline(never)]
    fn claim_name(&mut self, name: &str, origin: Option<&'static Origin>, new: Named) -> Result<(), PlanError> {
        match self.named.binary_search_by(|known| self.declared(*known).0.cmp(name)) {
            Ok(at) => {
                let (name, first) = self.declared(self.named[at]);
                Err(PlanError::DuplicateName { name: owned(name), first, second: origin })
            }
            Err(at) => {
                self.named.insert(at, new);
                Ok(())
            }
        }
    }

    fn declared(&self, what: Named) -> (&str, Option<&'static Origin>) {
        match what {
            Named::Hook(place) => (&self.hooks[place].name, self.hooks[place].origin),
            Named::Task(place) => (&self.tasks[place].name, self.tasks[place].origin),
            Named::Reload(place) => (&self.reloads[place].name, self.reloads[place].origin),
            Named::Check(place) => (&self.checks[place].name, self.checks[place].origin),
        }
    }
}

/// Why a plan is refused.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum PlanError {
    /// Two hooks, tasks, reload hooks or checks are called the same.
    DuplicateName {
        /// The name.
        name: String,
        /// Where it was used first.
        first: Option<&'static Origin>,
        /// Where it was used again.
        second: Option<&'static Origin>,
    },
    /// Not as many hooks were found as `expect_hooks` says.
    HookCount {
        /// What `expect_hooks` says.
        expected: usize,
        /// The names of those found.
        found: Vec<String>,
    },
    /// Hooks and flush together need more than the total.
    Impossible {
        /// The total.
        timeout: Duration,
        /// What is needed.
        sum: Duration,
        /// The flush's part of it.
        flush: Duration,
        /// The slowest hook of each order: phase, order, name, timeout.
        parts: Vec<(HookPhase, i32, String, Duration)>,
    },
    /// A value was provided twice: by its type alone nobody can tell which is meant.
    ProvidedTwice {
        /// Its type.
        type_name: &'static str,
    },
    /// A hook or task reads a value after, or at the same time as, another hook takes it.
    ReadAfterTake {
        /// The type of the value.
        type_name: &'static str,
        /// The hook that reads it.
        reader: String,
        /// The hook that takes it.
        taker: String,
    },
    /// The automatic registration of hooks does not work in this build: what a linker or platform dropped cannot run.
    RegistrationBroken,
    /// A hook takes a value that was shared with `provide`.
    SharedButTaken {
        /// The type of the value.
        type_name: &'static str,
        /// The hook that takes it.
        taker: String,
    },
    /// Two hooks take the same value.
    TakenTwice {
        /// The type of the value.
        type_name: &'static str,
        /// One of them.
        first: String,
        /// The other.
        second: String,
    },
    /// The times and numbers of a check do not go together.
    UnusableCheck {
        /// Its name.
        name: String,
        /// What is wrong and what to write.
        problem: String,
    },
    /// A hook was given no time at all.
    ZeroTimeout {
        /// Its name.
        name: String,
    },
}

impl PlanError {
    /// Fills in which hooks make up an impossible sum.
    #[cold]
    #[inline(never)]
    fn naming(self, hooks: &mut dyn Iterator<Item = &PlannedHook>) -> Self {
        let Self::Impossible { timeout, sum, flush, .. } = self else { return self };
        let key = |hook: &PlannedHook| (hook.phase, hook.order);
        let mut slowest: Vec<&PlannedHook> = Vec::new();
        for hook in hooks {
            match slowest.binary_search_by_key(&key(hook), |slowest| key(slowest)) {
                Ok(at) if hook.timeout > slowest[at].timeout => slowest[at] = hook,
                Ok(_) => {}
                Err(at) => slowest.insert(at, hook),
            }
        }
        let part = |hook: &PlannedHook| (hook.phase, hook.order, owned(&hook.name), hook.timeout);
        let parts = slowest.into_iter().map(part).collect();
        Self::Impossible { timeout, sum, flush, parts }
    }
}

/// The text: see [`StartError`](crate::StartError).
impl fmt::Debug for PlanError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl fmt::Display for PlanError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let at = |origin: &Option<&Origin>| origin.map_or_else(String::new, |origin| format!(" ({origin})"));
        match self {
            Self::DuplicateName { name, first, second } => write!(
                f,
                "two parts of the plan are called {name:?}: one{}, another{}; give one of them a name of its own: name = \"…\"",
                at(first),
                at(second)
            ),
            Self::HookCount { expected, found } => {
                let were = if found.len() == 1 { "hook was" } else { "hooks were" };
                write!(f, "expect_hooks = {expected}, but {} {were} found: [", found.len())?;
                for (place, name) in found.iter().enumerate() {
                    write!(f, "{}{name}", if place == 0 { "" } else { ", " })?;
                }
                f.write_str(
                    "]; a crate that nobody names is not linked: name its hooks in \
                     #[graceful::main(hooks = [its_crate::its_hook])], or correct expect_hooks",
                )
            }
            Self::Impossible { timeout, sum, flush, parts } => {
                write!(f, "the plan cannot be kept: ")?;
                for (phase, order, name, timeout) in parts {
                    write!(f, "{name} {} ({phase}, order {order}) + ", show(*timeout))?;
                }
                write!(
                    f,
                    "flush {} = {} is more than the total of {}; set timeout = \"{}\" or more, or shorten a step",
                    show(*flush),
                    show(*sum),
                    show(*timeout),
                    show(*sum)
                )
            }
            Self::ProvidedTwice { type_name } => write!(
                f,
                "a value of type {type_name} was provided twice; wrap one of them in a type of its own: struct Replica({type_name})"
            ),
            Self::ReadAfterTake { type_name, reader, taker } => write!(
                f,
                "{reader} reads the {type_name} that {taker} takes before it or at the same time; give {reader} a lower order than \
                 {taker}, or let {taker} take it by reference"
            ),
            Self::RegistrationBroken => f.write_str(
                "automatic registration does not work in this build: the linker or the platform dropped what the attributes \
                 registered; name every hook in #[graceful::main(hooks = [...])]",
            ),
            Self::SharedButTaken { type_name, taker } => write!(
                f,
                "{taker} takes a {type_name} by value, but it was shared with app.provide(); hand it over with app.give(), or let \
                 {taker} take a reference"
            ),
            Self::TakenTwice { type_name, first, second } => {
                write!(f, "{first} and {second} both take the {type_name} by value; only one hook can, let the other take a reference")
            }
            Self::UnusableCheck { name, problem } => write!(f, "check {name} cannot be kept: {problem}"),
            Self::ZeroTimeout { name } => write!(f, "hook {name} has no time at all; write timeout = \"5s\""),
        }
    }
}

impl Error for PlanError {}

#[cfg(test)]
mod tests {
    use super::*;

    fn hook(name: &str, order: i32, seconds: u64) -> PlannedHook {
        PlannedHook {
            name: name.into(),
            phase: HookPhase::Cleanup,
            order,
            timeout: Duration::from_secs(seconds),
            origin: None,
        }
    }

    fn plan(timeout: u64) -> Plan {
        Plan::new(Budgets { timeout: Duration::from_secs(timeout), ..Budgets::default() }).expect("the flush fits")
    }

    #[test]
    fn an_impossible_sum_is_refused_and_shown() {
        let mut plan = plan(10);
        plan.add_hook(hook("orders", 10, 6)).expect("fits");
        let error = plan.add_hook(hook("db", 20, 4)).expect_err("6 + 4 + 1 > 10");
        assert_eq!(
            error.to_string(),
            "the plan cannot be kept: orders 6s (cleanup, order 10) + db 4s (cleanup, order 20) + flush 1s = 11s is more than \
             the total of 10s; set timeout = \"11s\" or more, or shorten a step"
        );
        // The refused hook left no trace: neither its time nor its name.
        plan.add_hook(hook("db", 20, 3)).expect("6 + 3 + 1 = 10");
        assert_eq!(plan.worst_case(), Duration::from_secs(10));
    }

    #[test]
    fn a_total_below_the_flush_is_refused() {
        let budgets = Budgets { timeout: Duration::from_millis(500), ..Budgets::default() };
        let error = Plan::new(budgets).expect_err("the flush alone takes 1s");
        assert!(error.to_string().contains("flush 1s = 1s is more than the total of 500ms"), "{error}");
    }

    #[test]
    fn names_are_unique_across_kinds() {
        let mut plan = plan(30);
        plan.add_hook(hook("db", 10, 1)).expect("first");
        let error = plan.add_task(PlannedTask { name: "db".into(), every: None, origin: None }).expect_err("taken");
        assert!(matches!(error, PlanError::DuplicateName { .. }));
    }

    #[test]
    fn order_decides_never_registration() {
        let mut plan = plan(30);
        for (name, order) in [("late", 20), ("early", -5), ("middle", 10), ("beside", 10)] {
            plan.add_hook(hook(name, order, 1)).expect("fits");
        }
        let names: Vec<Vec<&str>> = plan
            .groups(HookPhase::Cleanup)
            .iter()
            .map(|group| group.iter().map(|id| plan.hook(*id).name.as_str()).collect())
            .collect();
        assert_eq!(names, [vec!["early"], vec!["middle", "beside"], vec!["late"]]);
    }

    #[test]
    fn tasks_ask_for_time_only_when_there_are_any() {
        let mut plan = plan(30);
        plan.add_hook(hook("db", 10, 5)).expect("fits");
        assert_eq!(plan.waits(Duration::ZERO).drain, Duration::from_secs(20));
        assert_eq!(plan.waits(Duration::from_secs(10)).drain, Duration::from_secs(16));
    }
}
