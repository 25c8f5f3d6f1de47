//! What is counted over all shutdowns, and what is remembered of the last one.

use std::collections::BTreeMap;

use graceful_core::{Outcome, Report};

/// Upper bounds of the buckets, in seconds.
pub(super) const BOUNDS: [f64; 13] = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0, 10.0, 30.0, 60.0, 120.0];

/// More names than any service has: one that makes up a new one for each run must not make the file grow for ever.
const MOST_COMPONENTS: usize = 1000;

/// Figures of shutdowns.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct History {
    /// Those that left nothing undone.
    pub(super) successes: u64,
    /// All others.
    pub(super) failures: u64,
    /// Those of the failures that were ended where they stood.
    pub(super) forced: u64,
    /// In how many shutdowns each component failed.
    pub(super) errors: BTreeMap<String, u64>,
    pub(super) durations: Durations,
    pub(super) last: Option<Last>,
}

/// Those whose end was seen.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Durations {
    /// Of each bucket alone; the last has no bound.
    pub(super) counts: [u64; BOUNDS.len() + 1],
    pub(super) sum: f64,
}

/// The last shutdown.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Last {
    pub(super) requested_at_unix_ms: u64,
    /// `None` when its end was not seen.
    pub(super) exit_code: Option<u8>,
    /// Connections at the request.
    pub(super) open: u64,
    pub(super) hooks: Vec<HookFigures>,
}

#[derive(Clone, Debug, PartialEq)]
pub(super) struct HookFigures {
    pub(super) name: String,
    pub(super) took: f64,
    pub(super) outcome: String,
}

impl History {
    /// Adds a shutdown that has come to its end.
    pub(super) fn add(&mut self, report: &Report) {
        match report.outcome {
            Outcome::Clean => self.successes = self.successes.saturating_add(1),
            _ => self.failures = self.failures.saturating_add(1),
        }
        if matches!(report.outcome, Outcome::DeadlineExceeded | Outcome::Forced(_)) {
            self.forced = self.forced.saturating_add(1);
        }
        for name in report.failed() {
            let known = self.errors.contains_key(name) || self.errors.len() < MOST_COMPONENTS;
            let errors = self.errors.entry(if known { name } else { "others" }.to_owned()).or_default();
            *errors = errors.saturating_add(1);
        }
        self.durations.add(report.took.as_secs_f64());
        let hooks = report.hooks.iter().map(|hook| HookFigures {
            name: hook.name.clone(),
            took: hook.took.as_secs_f64(),
            outcome: hook.outcome.name().to_owned(),
        });
        self.last = Some(Last { exit_code: Some(report.exit_code), hooks: hooks.collect(), ..Last::begun(report) });
    }

    /// What it will have been if nobody sees the end of the shutdown that has begun.
    pub(super) fn if_it_ends_unseen(&self, report: &Report) -> Self {
        Self {
            failures: self.failures.saturating_add(1),
            forced: self.forced.saturating_add(1),
            last: Some(Last::begun(report)),
            ..self.clone()
        }
    }

    /// When the last shutdown was requested: tells one from another.
    pub(super) fn last_request(&self) -> Option<u64> {
        self.last.as_ref().map(|last| last.requested_at_unix_ms)
    }
}

impl Last {
    fn begun(report: &Report) -> Self {
        Self {
            requested_at_unix_ms: report.requested_at_unix_ms,
            exit_code: None,
            open: report.open_at_request,
            hooks: Vec::new(),
        }
    }
}

impl Durations {
    fn add(&mut self, seconds: f64) {
        let bucket = BOUNDS.iter().position(|bound| seconds <= *bound).unwrap_or(BOUNDS.len());
        self.counts[bucket] = self.counts[bucket].saturating_add(1);
        self.sum += seconds;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_duration_is_in_the_first_bucket_that_holds_it() {
        let mut durations = Durations::default();
        for seconds in [0.0, 0.005, 0.0051, 120.0, 121.0] {
            durations.add(seconds);
        }
        let mut expected = [0; 14];
        (expected[0], expected[1], expected[12], expected[13]) = (2, 1, 1, 1);
        assert_eq!(durations.counts, expected);
        assert!((durations.sum - 241.0101).abs() < 1e-9);
    }
}
