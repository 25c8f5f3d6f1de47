//! How long a peer may take for a body, in either direction.

use std::time::{Duration, Instant};

use super::settings::{SILENCE, SLOWEST};

/// A transfer's deadline moves on with every byte, so a large body has the time that it needs; but no faster than bytes at
/// [`SLOWEST`] would, so a trickle does not keep a connection for ever.
#[derive(Clone, Copy, Debug)]
pub(super) struct Patience {
    timeout: Duration,
    start: Instant,
    last: Instant,
    bytes: u64,
}

impl Patience {
    pub(super) fn new(timeout: Duration, now: Instant) -> Self {
        Self { timeout, start: now, last: now, bytes: 0 }
    }

    /// So many bytes have passed.
    pub(super) fn note(&mut self, bytes: usize, now: Instant) {
        self.bytes += bytes as u64;
        self.last = now;
    }

    /// When it is over, while nothing passes. `None`: not in this century.
    // Not inlined: it is called in many places.
    #[inline(never)]
    pub(super) fn until(&self) -> Option<Instant> {
        let silence = self.last.checked_add(self.timeout)?;
        let crawl = self.start.checked_add(self.timeout)?.checked_add(Duration::from_secs(self.bytes / SLOWEST))?;
        Some(silence.min(crawl))
    }

    /// The same when the drain has begun, which was noticed at `noticed`.
    pub(super) fn until_while_stopping(&self, noticed: Instant) -> Option<Instant> {
        let silence = self.last.max(noticed).checked_add(SILENCE);
        silence.into_iter().chain(self.until()).min()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_buy_time_but_not_for_ever() {
        let start = Instant::now();
        let at = |seconds| start + Duration::from_secs(seconds);
        let mut patience = Patience::new(Duration::from_secs(30), start);
        assert_eq!(patience.until(), Some(at(30)));
        // A good piece: 30 s of silence may follow.
        patience.note(1024 * 1024, at(5));
        assert_eq!(patience.until(), Some(at(35)));
        // A byte every ten seconds is a crawl.
        let mut patience = Patience::new(Duration::from_secs(30), start);
        for second in [10, 20, 29] {
            patience.note(1, at(second));
        }
        assert_eq!(patience.until(), Some(at(30)));
    }

    #[test]
    fn while_stopping_silence_is_short_and_counted_from_the_beginning_of_the_drain() {
        let start = Instant::now();
        let at = |seconds| start + Duration::from_secs(seconds);
        let mut patience = Patience::new(Duration::from_secs(30), start);
        assert_eq!(patience.until_while_stopping(at(10)), Some(at(15)));
        patience.note(100_000, at(12));
        assert_eq!(patience.until_while_stopping(at(10)), Some(at(17)));
        assert_eq!(patience.until_while_stopping(at(41)), Some(at(42)));
    }
}
