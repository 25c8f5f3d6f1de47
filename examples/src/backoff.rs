//! How long a client waits before it comes back: exponential backoff with full jitter.

use std::time::Duration;

/// When a server restarts, all its clients lose their connections at the same moment. If each came back at once, and again and
/// again, they would keep the new server from getting up. So each waits longer after every failure, and not as long as the
/// others: for a random part of that time.
#[derive(Debug, Default)]
pub struct Backoff {
    /// Since the last connection that was worth its name.
    failures: u32,
}

impl Backoff {
    /// The longest wait after the first failure; it doubles with each further one.
    pub const FIRST: Duration = Duration::from_millis(500);
    /// It grows up to this.
    pub const MOST: Duration = Duration::from_secs(30);
    /// A connection that has lasted for so long was a success.
    pub const STABLE: Duration = Duration::from_secs(5);

    /// After a connection that has `lasted` for this long; `random` is from 0 to 1.
    #[must_use]
    pub fn next(&mut self, lasted: Duration, random: f64) -> Duration {
        if lasted >= Self::STABLE {
            self.failures = 0;
        }
        let most = Self::FIRST.saturating_mul(2u32.saturating_pow(self.failures)).min(Self::MOST);
        self.failures = self.failures.saturating_add(1);
        most.mul_f64(random)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SHORT: Duration = Duration::from_millis(10);

    /// The longest waits after so many short connections.
    fn longest(backoff: &mut Backoff, number: usize) -> Vec<u128> {
        (0..number).map(|_| backoff.next(SHORT, 1.0).as_millis()).collect()
    }

    #[test]
    fn waits_grow_up_to_a_limit() {
        let mut backoff = Backoff::default();
        assert_eq!(longest(&mut backoff, 8), [500, 1000, 2000, 4000, 8000, 16_000, 30_000, 30_000]);
        assert_eq!(longest(&mut backoff, 100).last(), Some(&30_000));
    }

    #[test]
    fn a_stable_connection_starts_them_again() {
        let mut backoff = Backoff::default();
        longest(&mut backoff, 5);
        assert_eq!(backoff.next(Backoff::STABLE, 1.0), Backoff::FIRST);
        assert_eq!(longest(&mut backoff, 2), [1000, 2000]);
    }

    #[test]
    fn the_jitter_is_full() {
        for random in [0.0, 0.25, 0.999] {
            let mut backoff = Backoff { failures: 4 };
            assert_eq!(backoff.next(SHORT, random), Duration::from_secs(8).mul_f64(random));
        }
    }
}
