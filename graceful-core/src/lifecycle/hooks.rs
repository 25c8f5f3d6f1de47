//! Hooks as the machine sees them: who, when, how long.

use std::fmt;
use std::time::Duration;

use super::budget::Reserved;

/// When a hook runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum HookPhase {
    /// When the shutdown is requested and the service still serves: leave a service registry, tell a coordinator.
    BeforeDrain,
    /// When the drain has ended and tasks have stopped: the usual place.
    Cleanup,
    /// At the very end, before the logs are flushed: error trackers, metric pushers.
    Flush,
}

impl HookPhase {
    /// The name in attributes, plans and reports: `before_drain`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::BeforeDrain => "before_drain",
            Self::Cleanup => "cleanup",
            Self::Flush => "flush",
        }
    }
}

impl fmt::Display for HookPhase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// Where something was declared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Origin {
    /// The crate, as `env!("CARGO_PKG_NAME")`.
    pub krate: &'static str,
    /// The module, as `module_path!()`.
    pub module: &'static str,
    /// The file, as `file!()`.
    pub file: &'static str,
    /// The line, as `line!()`.
    pub line: u32,
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.file, self.line)
    }
}

/// A hook in the plan.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct PlannedHook {
    pub(crate) name: String,
    pub(crate) phase: HookPhase,
    pub(crate) order: i32,
    pub(crate) timeout: Duration,
    pub(crate) origin: Option<&'static Origin>,
}

/// What a hook gets when it does not say.
pub(crate) const DEFAULT_HOOK_TIMEOUT: Duration = Duration::from_secs(5);

/// The worst case of all hooks, kept while hooks are added: orders run one after the other, equal orders in parallel, so a
/// phase takes the sum over its orders of the slowest.
#[derive(Clone, Debug, Default)]
pub(crate) struct WorstCase {
    /// The slowest hook of each order, sorted.
    slowest: Vec<((HookPhase, i32), Duration)>,
    sums: [Duration; 3],
}

impl WorstCase {
    #[inline(never)]
    pub(crate) fn add(&mut self, phase: HookPhase, order: i32, timeout: Duration) {
        let more = self.more(phase, order, timeout);
        match self.find(phase, order) {
            Ok(at) => self.slowest[at].1 += more,
            Err(at) => self.slowest.insert(at, ((phase, order), more)),
        }
        let sum = &mut self.sums[phase as usize];
        *sum = sum.saturating_add(more);
    }

    /// By how much a hook would raise the sum.
    #[inline(never)]
    pub(crate) fn more(&self, phase: HookPhase, order: i32, timeout: Duration) -> Duration {
        timeout.saturating_sub(self.find(phase, order).map_or(Duration::ZERO, |at| self.slowest[at].1))
    }

    fn find(&self, phase: HookPhase, order: i32) -> Result<usize, usize> {
        self.slowest.binary_search_by_key(&(phase, order), |(key, _)| *key)
    }

    /// What the hooks of a phase take at worst.
    pub(crate) fn of(&self, phase: HookPhase) -> Duration {
        self.sums[phase as usize]
    }

    /// What is to be reserved, with the flush of the logs.
    pub(crate) fn reserved(&self, flush: Duration) -> Reserved {
        Reserved {
            before_drain: self.of(HookPhase::BeforeDrain),
            cleanup: self.of(HookPhase::Cleanup),
            flush: self.of(HookPhase::Flush).saturating_add(flush),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_orders_overlap_different_ones_add_up() {
        let second = Duration::from_secs(1);
        let mut worst = WorstCase::default();
        worst.add(HookPhase::Cleanup, 10, 2 * second);
        worst.add(HookPhase::Cleanup, 10, 5 * second);
        worst.add(HookPhase::Cleanup, 10, 3 * second);
        worst.add(HookPhase::Cleanup, -1, 4 * second);
        worst.add(HookPhase::Flush, 10, second);
        let reserved = worst.reserved(second);
        assert_eq!(reserved, Reserved { before_drain: Duration::ZERO, cleanup: 9 * second, flush: 2 * second });
    }
}
