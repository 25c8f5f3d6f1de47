//! What a user adds.

use std::fmt;
use std::time::Duration;

use super::runner::CheckRunner;
use crate::config::{LONGEST, Settings, Switch};
use crate::lifecycle::checks::{
    CheckKind, Criticality, DEFAULT_FAILURES, DEFAULT_INTERVAL, DEFAULT_SUCCESSES, DEFAULT_TIMEOUT, PlannedCheck,
};
use crate::lifecycle::plan::{Plan, PlanError};
use crate::runtime::hooks::Hook;
use crate::runtime::inject::{Args, CallError, Returned};
use crate::runtime::injection;
use crate::runtime::registry::{Item, Param, Registration};

pub(super) type CheckBody = Box<dyn FnMut(&mut Args<'_>) -> Result<(), CallError> + Send>;

/// A background check of readiness or liveness, without the attribute.
///
/// It runs when the service begins to serve and then at every interval, until a shutdown is requested. What it comes to is
/// kept: [`App::is_ready`](crate::App::is_ready), [`App::is_alive`](crate::App::is_alive) and
/// [`App::checks`](crate::App::checks) run nothing.
///
/// # Examples
/// ```
/// use std::time::Duration;
/// use graceful_core::{Args, BoxError, Check};
///
/// let check = Check::new("disk", |_: &mut Args<'_>| std::fs::metadata("/var/lib/service").map(drop))
///     .every(Duration::from_secs(30))
///     .critical();
/// # drop(check);
/// ```
pub struct Check {
    pub(crate) planned: PlannedCheck,
    pub(crate) params: &'static [Param],
    pub(crate) runner: &'static CheckRunner,
    pub(super) body: CheckBody,
    /// As it was said; without a word it follows the interval.
    timeout: Option<Duration>,
}

impl Check {
    /// A check of readiness that passes when `body` returns `()` or `Ok(())`: every 5 s, for at most 1 s, not critical.
    ///
    /// # Blocking
    /// The closure runs on a thread of its own and may block. Past its timeout it counts as failed, and is not begun again
    /// until it has returned; others run meanwhile.
    pub fn new<R: Returned>(
        name: impl Into<String>,
        mut body: impl FnMut(&mut Args<'_>) -> R + Send + 'static,
    ) -> Self {
        Self {
            planned: PlannedCheck {
                name: name.into(),
                kind: CheckKind::Readiness,
                criticality: Criticality::Informative,
                every: DEFAULT_INTERVAL,
                timeout: DEFAULT_TIMEOUT,
                failures: DEFAULT_FAILURES,
                successes: DEFAULT_SUCCESSES,
                origin: None,
            },
            params: &[],
            runner: CheckRunner::THREADS,
            body: Box::new(move |args| body(args).into_result().map_err(CallError::from_user)),
            timeout: None,
        }
    }

    /// What it asks; one of liveness is critical. **Default: [`CheckKind::Readiness`]**.
    #[must_use]
    pub fn kind(mut self, kind: CheckKind) -> Self {
        self.planned.kind = kind;
        match kind {
            CheckKind::Liveness => self.critical(),
            CheckKind::Readiness => self,
        }
    }

    /// Makes the service ready only while this check passes. **Default: it decides nothing**.
    #[must_use]
    pub fn critical(mut self) -> Self {
        self.planned.criticality = Criticality::Critical;
        self
    }

    /// How often it runs, from start to start. **Default: `5 s`**.
    #[must_use]
    pub fn every(mut self, interval: Duration) -> Self {
        self.planned.every = interval.min(LONGEST);
        self.planned.timeout = self.timeout.unwrap_or(DEFAULT_TIMEOUT.min(self.planned.every));
        self
    }

    /// How long it may take; at most the interval. **Default: `1 s`, or the interval where that is shorter**.
    #[must_use]
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.planned.timeout = timeout.min(LONGEST);
        self.timeout = Some(self.planned.timeout);
        self
    }

    /// How many failures in a row make it fail. The very first result counts at once. **Default: `3`**.
    #[must_use]
    pub fn failures(mut self, failures: u32) -> Self {
        self.planned.failures = failures;
        self
    }

    /// How many successes in a row make it pass again. **Default: `1`**.
    #[must_use]
    pub fn successes(mut self, successes: u32) -> Self {
        self.planned.successes = successes;
        self
    }

    /// Adds the check behind a `#[readiness]` or `#[liveness]`.
    pub(super) fn register(checks: &mut Vec<Self>, registration: &'static Registration) {
        checks.extend(Self::registered(registration));
    }

    /// Puts checks into the plan, unless it cannot be kept with them. Those that the settings turn off are dropped.
    pub(super) fn plan(
        checks: &mut Vec<Self>,
        settings: &Settings,
        hooks: &[Hook],
        plan: &mut Plan,
    ) -> Result<(), PlanError> {
        for kind in [CheckKind::Liveness, CheckKind::Readiness] {
            if settings.checks(kind) == Switch::Off {
                checks.retain(|check| check.planned.kind != kind);
                plan.turn_off(kind);
            }
        }
        for check in checks {
            check.settle(settings);
            check.verify()?;
            plan.add_check(check.planned.clone())?;
            injection::check_reader(&check.planned.name, check.params, hooks)?;
        }
        Ok(())
    }

    /// `None` for another attribute.
    fn registered(registration: &'static Registration) -> Option<Self> {
        let Item::Check { kind, criticality, every, timeout, failures, successes, runner } = registration.item else {
            return None;
        };
        let every = every.unwrap_or(DEFAULT_INTERVAL);
        let planned = PlannedCheck {
            name: registration.name.to_owned(),
            kind,
            criticality,
            every,
            timeout: timeout.unwrap_or(DEFAULT_TIMEOUT.min(every)),
            failures: failures.unwrap_or(DEFAULT_FAILURES),
            successes: successes.unwrap_or(DEFAULT_SUCCESSES),
            origin: Some(&registration.origin),
        };
        Some(Self { planned, params: registration.params, runner, body: Box::new(registration.run), timeout })
    }

    /// Lets the settings decide how often it runs.
    pub(super) fn settle(&mut self, settings: &Settings) {
        if let Some(every) = settings.check_interval() {
            self.planned.every = every;
            // An operator who wants to look more often need not know how long each check may take.
            self.planned.timeout = self.planned.timeout.min(every);
        }
    }

    /// Whether its numbers go together.
    pub(crate) fn verify(&self) -> Result<(), PlanError> {
        match self.planned.problem() {
            None => Ok(()),
            Some(problem) => Err(PlanError::UnusableCheck { name: self.planned.name.clone(), problem }),
        }
    }
}

impl fmt::Debug for Check {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Check").field("planned", &self.planned).finish_non_exhaustive()
    }
}
