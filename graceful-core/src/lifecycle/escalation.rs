//! The ladder that repeated signals climb: graceful, fast, exit now.
//!
//! The machine and the signal handler both climb it, from the same signals at the same times, so the handler knows the last
//! step even when the machine's thread does not get to run.

use std::time::Duration;

/// How far repeated signals have brought it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Step {
    /// First: shut down gracefully.
    Graceful,
    /// Second: skip the waiting, still clean up.
    Fast,
    /// Third: end the process now.
    ExitNow,
}

impl Step {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Graceful => "graceful",
            Self::Fast => "fast",
            Self::ExitNow => "exit_now",
        }
    }
}

/// Signals counted so far, packed so that a signal handler can keep it in one atomic: two bits of step above 62 bits of the
/// millisecond at which the last counted signal came. Zero is the ladder before the first signal.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Ladder(u64);

const MILLIS: u64 = (1 << 62) - 1;

impl Ladder {
    /// Counts a signal at `now_millis` (any clock that never runs backwards).
    ///
    /// A signal within `debounce` of the last counted one is a double delivery (terminals, process groups and supervisors
    /// send them) and counts for nothing: `None`. It is measured from the last *counted* one, so a burst cannot starve the
    /// ladder.
    pub(crate) fn count(self, now_millis: u64, debounce: Duration) -> (Self, Option<Step>) {
        let step = self.0 >> 62;
        let last = self.0 & MILLIS;
        let debounce = u64::try_from(debounce.as_millis()).unwrap_or(u64::MAX);
        if step > 0 && now_millis.saturating_sub(last) < debounce {
            return (self, None);
        }
        let (next, reached) = match step {
            0 => (1, Step::Graceful),
            1 => (2, Step::Fast),
            _ => (3, Step::ExitNow),
        };
        (Self(next << 62 | now_millis & MILLIS), Some(reached))
    }

    pub(crate) fn to_bits(self) -> u64 {
        self.0
    }

    pub(crate) fn from_bits(bits: u64) -> Self {
        Self(bits)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn climbs_past_the_debounce_only() {
        let debounce = Duration::from_millis(500);
        let check = |times: &[u64], steps: &[Option<Step>]| {
            let mut ladder = Ladder::default();
            let reached: Vec<_> = times
                .iter()
                .map(|now| {
                    let (next, step) = ladder.count(*now, debounce);
                    ladder = Ladder::from_bits(next.to_bits());
                    step
                })
                .collect();
            assert_eq!(reached, steps, "{times:?}");
        };
        let (graceful, fast, now) = (Some(Step::Graceful), Some(Step::Fast), Some(Step::ExitNow));
        check(&[0], &[graceful]);
        check(&[0, 5], &[graceful, None]);
        check(&[0, 499, 500], &[graceful, None, fast]);
        check(&[10, 600, 1200, 1900], &[graceful, fast, now, now]);
        // A burst every 100 ms still gets there.
        check(&[0, 100, 200, 300, 400, 500, 600], &[graceful, None, None, None, None, fast, None]);
    }
}
