//! How the total is shared out between the phases.
//!
//! Hooks and the flush are *reserved*: nothing that comes before them can touch their time. The waits (lame duck, drain,
//! tasks) share what is left: each asks for a budget, and when the sum does not fit all shrink in proportion. What a wait
//! does not use flows on to the next.

use std::time::Duration;

/// The budgets as they were asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Budgets {
    pub(crate) timeout: Duration,
    pub(crate) lame_duck: Duration,
    pub(crate) drain: Duration,
    pub(crate) drain_end: DrainEnd,
    pub(crate) tasks: Duration,
    pub(crate) flush: Duration,
}

/// When a drain that is not done is cut.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum DrainEnd {
    /// After its budget.
    Budget,
    /// Where the time begins that tasks, hooks and flush may take.
    Reserve,
}

impl Default for Budgets {
    fn default() -> Self {
        Self {
            timeout: Duration::from_secs(30),
            lame_duck: Duration::ZERO,
            drain: Duration::from_secs(20),
            drain_end: DrainEnd::Budget,
            tasks: Duration::from_secs(10),
            flush: Duration::from_secs(1),
        }
    }
}

/// What hooks and the flush take at worst: never given to anybody else.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Reserved {
    /// Hooks before the drain, the slowest of each order, summed.
    pub(crate) before_drain: Duration,
    pub(crate) cleanup: Duration,
    /// Flush hooks, and the flush of the logs behind them.
    pub(crate) flush: Duration,
}

impl Reserved {
    #[inline(never)]
    pub(crate) fn sum(self) -> Duration {
        self.before_drain.saturating_add(self.cleanup).saturating_add(self.flush)
    }
}

/// What the waits are granted when every phase before them takes all of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Waits {
    pub(crate) lame_duck: Duration,
    pub(crate) drain: Duration,
    pub(crate) tasks: Duration,
}

impl Waits {
    /// Shares `left` (the total less what is reserved) among the waits.
    pub(crate) fn share(lame_duck: Duration, drain: Duration, tasks: Duration, left: Duration) -> Self {
        let asked = lame_duck.saturating_add(drain).saturating_add(tasks);
        if asked <= left {
            return Self { lame_duck, drain, tasks };
        }
        let part = |wanted: Duration| {
            // u128 arithmetic: exact, and rounded down, so that the parts never exceed what is left.
            let nanos = wanted.as_nanos().saturating_mul(left.as_nanos()) / asked.as_nanos().max(1);
            Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX))
        };
        Self { lame_duck: part(lame_duck), drain: part(drain), tasks: part(tasks) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_shrink_in_proportion() {
        let check = |asked: [u64; 3], left: u64, granted: [u64; 3]| {
            let [lame_duck, drain, tasks] = asked.map(Duration::from_secs);
            let waits = Waits::share(lame_duck, drain, tasks, Duration::from_secs(left));
            assert_eq!([waits.lame_duck, waits.drain, waits.tasks], granted.map(Duration::from_secs));
        };
        check([0, 20, 10], 30, [0, 20, 10]);
        check([0, 20, 10], 24, [0, 16, 8]);
        check([5, 20, 10], 7, [1, 4, 2]);
        check([0, 20, 0], 0, [0, 0, 0]);
        check([0, 0, 0], 0, [0, 0, 0]);
    }
}
