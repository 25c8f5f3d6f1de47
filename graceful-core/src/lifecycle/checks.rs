//! Checks in the plan: what is looked at, how often, and from when on it counts.

use std::fmt;
use std::time::Duration;

use super::hooks::Origin;
use crate::observe::show;

/// How often a check runs, unless it says so itself.
pub(crate) const DEFAULT_INTERVAL: Duration = Duration::from_secs(5);
/// How long it may take, unless it says so itself or runs more often than that.
pub(crate) const DEFAULT_TIMEOUT: Duration = Duration::from_secs(1);
/// How many failures in a row turn one that passed into one that fails.
pub(crate) const DEFAULT_FAILURES: u32 = 3;
/// How many successes in a row turn one that failed into one that passes.
pub(crate) const DEFAULT_SUCCESSES: u32 = 1;

/// What a check asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum CheckKind {
    /// Whether the process does its work at all: one that does not is worth a restart.
    Liveness,
    /// Whether the service may be sent work now.
    Readiness,
}

impl CheckKind {
    /// The name in plans and logs: `readiness`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Liveness => "liveness",
            Self::Readiness => "readiness",
        }
    }
}

impl fmt::Display for CheckKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// What a check of readiness decides. Every check of liveness is critical.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Criticality {
    /// The service is ready only while it passes.
    Critical,
    /// It is told of, and decides nothing.
    Informative,
}

/// A check in the plan.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct PlannedCheck {
    pub(crate) name: String,
    pub(crate) kind: CheckKind,
    pub(crate) criticality: Criticality,
    pub(crate) every: Duration,
    pub(crate) timeout: Duration,
    pub(crate) failures: u32,
    pub(crate) successes: u32,
    pub(crate) origin: Option<&'static Origin>,
}

impl PlannedCheck {
    /// What is wrong with it and what to write instead; `None` when nothing is.
    pub(crate) fn problem(&self) -> Option<String> {
        let Self { every, timeout, failures, successes, .. } = self;
        if every.is_zero() {
            Some("its interval is zero; write every = \"5s\"".to_owned())
        } else if timeout.is_zero() {
            Some("it has no time at all; write timeout = \"1s\"".to_owned())
        } else if timeout > every {
            let (every, timeout) = (show(*every), show(*timeout));
            Some(format!(
                "its timeout of {timeout} is longer than its interval of {every}; write every = \"{timeout}\" or more, or \
                 timeout = \"{every}\" or less"
            ))
        } else if *failures == 0 {
            Some("no failure at all would make it fail; write failures = 1 or more".to_owned())
        } else if *successes == 0 {
            Some("no success at all would make it pass; write successes = 1 or more".to_owned())
        } else {
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_kept_is_told_with_the_text_to_write() {
        let good = PlannedCheck {
            name: "db".into(),
            kind: CheckKind::Readiness,
            criticality: Criticality::Critical,
            every: DEFAULT_INTERVAL,
            timeout: DEFAULT_TIMEOUT,
            failures: DEFAULT_FAILURES,
            successes: DEFAULT_SUCCESSES,
            origin: None,
        };
        let check = |change: &dyn Fn(&mut PlannedCheck), expected: Option<&str>| {
            let mut planned = good.clone();
            change(&mut planned);
            assert_eq!(planned.problem().as_deref(), expected);
        };
        check(&|_| {}, None);
        check(&|planned| planned.timeout = planned.every, None);
        check(&|planned| planned.every = Duration::ZERO, Some("its interval is zero; write every = \"5s\""));
        check(&|planned| planned.timeout = Duration::ZERO, Some("it has no time at all; write timeout = \"1s\""));
        check(
            &|planned| planned.timeout = Duration::from_secs(6),
            Some(
                "its timeout of 6s is longer than its interval of 5s; write every = \"6s\" or more, or timeout = \"5s\" or \
                 less",
            ),
        );
        check(
            &|planned| planned.failures = 0,
            Some("no failure at all would make it fail; write failures = 1 or more"),
        );
        check(
            &|planned| planned.successes = 0,
            Some("no success at all would make it pass; write successes = 1 or more"),
        );
    }
}
