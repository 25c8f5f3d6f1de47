//! When a check is due. Pure: it is told the time.

use std::time::{Duration, Instant};

/// The turns of one check: at once, then the second, and from there on one every interval.
///
/// The second comes between half an interval and a whole one after the first. Each check of a service has a place of its own
/// in there, so that those that began together do not meet again.
#[derive(Clone, Copy, Debug)]
pub(super) struct Schedule {
    first: Instant,
    second: Instant,
    every: Duration,
}

impl Schedule {
    /// For the check that is the `place`th of its service. `every` is not zero.
    pub(super) fn new(first: Instant, every: Duration, place: usize) -> Self {
        Self { first, second: later(first, gap(every, place)), every }
    }

    pub(super) fn first(&self) -> Instant {
        self.first
    }

    /// The first turn that is later than `now`. Those that were missed are not made up for.
    pub(super) fn after(&self, now: Instant) -> Instant {
        if now < self.first {
            return self.first;
        }
        if now < self.second {
            return self.second;
        }
        let since = now.saturating_duration_since(self.second).as_nanos();
        let every = self.every.as_nanos().max(1);
        later(now, nanos(every - since % every))
    }
}

/// Between half of `every` and all of it: the place times the golden ratio, so that neighbours are far apart.
fn gap(every: Duration, place: usize) -> Duration {
    let share = u128::from((place as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 32);
    let less = ((every.as_nanos() / 2) * share) >> 32;
    nanos(every.as_nanos() - less)
}

/// Times are at most a day, so nothing is lost here.
fn nanos(nanos: u128) -> Duration {
    Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX))
}

/// An instant that cannot be told any more is never reached.
pub(super) fn later(at: Instant, by: Duration) -> Instant {
    at.checked_add(by).unwrap_or(at)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn the_only_check_is_due_at_every_interval() {
        let start = Instant::now();
        let schedule = Schedule::new(start, 5 * SECOND, 0);
        let check = |now: Duration, due: Duration| assert_eq!(schedule.after(start + now), start + due, "{now:?}");
        assert_eq!(schedule.first(), start);
        check(Duration::ZERO, 5 * SECOND);
        check(SECOND, 5 * SECOND);
        check(5 * SECOND, 10 * SECOND);
        check(9 * SECOND, 10 * SECOND);
        // It hung for a while: the turns in between are gone.
        check(63 * SECOND, 65 * SECOND);
    }

    #[test]
    fn those_that_began_together_do_not_meet_again() {
        let start = Instant::now();
        let mut turns: Vec<_> = (0..50).map(|place| Schedule::new(start, 5 * SECOND, place).after(start)).collect();
        turns.sort();
        let apart = turns.windows(2).map(|two| two[1] - two[0]).min();
        assert!(apart > Some(Duration::from_millis(10)), "{apart:?}");
    }

    proptest! {
        #[test]
        fn turns_are_an_interval_apart(
            every in 1_000_000_u64..86_400_000_000_000,
            place in any::<usize>(),
            past in 0_u64..1_000_000_000_000_000,
        ) {
            let (start, every) = (Instant::now(), Duration::from_nanos(every));
            let schedule = Schedule::new(start, every, place);
            let second = schedule.after(start);
            prop_assert!(second - start >= every / 2 && second - start <= every);
            let now = second + Duration::from_nanos(past);
            let turn = schedule.after(now);
            prop_assert!(turn > now && turn - now <= every, "it is the next one");
            prop_assert_eq!(schedule.after(turn), turn + every);
            prop_assert_eq!((turn - second).as_nanos() % every.as_nanos(), 0, "it is one of them");
        }
    }
}
