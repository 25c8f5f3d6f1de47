//! How long a route's handler takes, learned as it is called: whether it may run on an event loop.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// What a call may take without being held against the route: a hand-over to a worker costs about as much.
const ALLOWANCE: u64 = 50_000;

/// So much in the bucket, and calls go to workers: some twenty calls of twice the allowance, or one that blocks.
const SLOW: u64 = 1_000_000;

/// The most that is remembered: two thousand quick calls let it run out.
const FULL: u64 = 100_000_000;

/// Set while the route is slow. It stays so until the bucket is empty, not just below the mark.
const MARK: u64 = 1 << 63;

/// Set while calls have to be timed on their own: nothing is known yet, or something took long, perhaps not the handler.
const SUSPECT: u64 = 1 << 62;

const LEVEL: u64 = SUSPECT - 1;

/// A leaky bucket of time, in nanoseconds.
///
/// What a call takes beyond 50 µs goes in, and each call lets 50 µs out. Above 1 ms the route is slow, and its calls belong on
/// workers, until the bucket is empty again. So one call in a thousand that blocks for 50 ms keeps a route on the workers, one
/// in a hundred thousand does not.
///
/// Calls run on many threads. An update that gets lost between two of them is one call less, which does not matter.
pub struct Pace {
    bucket: AtomicU64,
}

impl Pace {
    /// Of a route that nothing is known of: taken for quick.
    #[must_use]
    pub fn new() -> Self {
        Self { bucket: AtomicU64::new(SUSPECT) }
    }

    /// Of a route that is known to block.
    #[must_use]
    pub fn slow() -> Self {
        Self { bucket: AtomicU64::new(FULL | MARK | SUSPECT) }
    }

    /// Whether calls belong on workers.
    #[must_use]
    pub fn is_slow(&self) -> bool {
        self.bucket.load(Ordering::Relaxed) & MARK != 0
    }

    /// Whether the next call is to be timed on its own. While a route is known to be quick, one look at the clock for each call
    /// is enough: what lies between two calls is a few microseconds.
    #[must_use]
    pub fn is_suspect(&self) -> bool {
        self.bucket.load(Ordering::Relaxed) & SUSPECT != 0
    }

    /// A call that was timed on its own has come to its end.
    pub fn note(&self, took: Duration) {
        let took = u64::try_from(took.as_nanos()).unwrap_or(FULL).min(FULL);
        let before = self.bucket.load(Ordering::Relaxed);
        let level = ((before & LEVEL) + took).saturating_sub(ALLOWANCE).min(FULL);
        let flags = match level {
            0 => 0,
            SLOW.. => MARK | SUSPECT,
            _ => before & MARK | SUSPECT,
        };
        self.set(before, level | flags);
    }

    /// Calls have come to their end, and with everything between them each took so long on average: if that is much, the next
    /// one is timed on its own.
    pub fn note_roughly(&self, took: Duration) {
        if took > Duration::from_nanos(ALLOWANCE) {
            let before = self.bucket.load(Ordering::Relaxed);
            self.set(before, before | SUSPECT);
        }
    }

    fn set(&self, before: u64, after: u64) {
        // The hot path writes nothing.
        if after != before {
            self.bucket.store(after, Ordering::Relaxed);
        }
    }

    /// A call holds a loop up right now.
    pub(super) fn punish(&self) {
        self.bucket.store(FULL | MARK | SUSPECT, Ordering::Relaxed);
    }
}

impl Default for Pace {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for Pace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let bucket = Duration::from_nanos(self.bucket.load(Ordering::Relaxed) & LEVEL);
        f.debug_struct("Pace").field("bucket", &bucket).field("is_slow", &self.is_slow()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const QUICK: Duration = Duration::from_micros(5);

    fn calls_until(pace: &Pace, slow: bool, took: Duration) -> usize {
        let mut calls = 0;
        while pace.is_slow() != slow {
            pace.note(took);
            calls += 1;
            assert!(calls < 1_000_000, "{pace:?}");
        }
        calls
    }

    #[test]
    fn one_call_that_blocks_is_enough_and_long_remembered() {
        let pace = Pace::new();
        assert_eq!(calls_until(&pace, true, Duration::from_millis(50)), 1);
        assert!((900..1_200).contains(&calls_until(&pace, false, QUICK)), "{pace:?}");
        // For however long it blocked.
        pace.note(Duration::MAX);
        assert!((2_000..2_500).contains(&calls_until(&pace, false, QUICK)), "{pace:?}");
    }

    #[test]
    fn work_of_a_tenth_of_a_millisecond_adds_up() {
        let pace = Pace::new();
        assert!((15..25).contains(&calls_until(&pace, true, Duration::from_micros(100))), "{pace:?}");
    }

    #[test]
    fn rare_delays_are_forgiven() {
        let pace = Pace::new();
        for call in 0..100_000 {
            // As when the thread is off its processor for a moment.
            pace.note(if call % 1_000 == 0 { Duration::from_micros(900) } else { QUICK });
            assert!(!pace.is_slow());
        }
    }

    #[test]
    fn one_in_a_thousand_that_blocks_keeps_it_slow() {
        let pace = Pace::new();
        pace.note(Duration::from_millis(60));
        for call in 1..10_000 {
            pace.note(if call % 1_000 == 0 { Duration::from_millis(60) } else { QUICK });
            assert!(pace.is_slow(), "after {call}");
        }
    }

    #[test]
    fn what_took_long_is_looked_at_before_it_counts() {
        let pace = Pace::new();
        assert!(pace.is_suspect(), "nothing is known yet");
        pace.note(QUICK);
        assert!(!pace.is_suspect());
        pace.note_roughly(QUICK);
        assert!(!pace.is_suspect());
        pace.note_roughly(Duration::from_millis(5));
        assert!(pace.is_suspect() && !pace.is_slow());
        pace.note(Duration::from_micros(60));
        assert!(pace.is_suspect(), "until the bucket is empty");
        pace.note(QUICK);
        assert!(!pace.is_suspect());
    }

    #[test]
    fn a_takeover_fills_it() {
        let pace = Pace::new();
        pace.punish();
        assert!(pace.is_slow() && Pace::slow().is_slow());
    }
}
