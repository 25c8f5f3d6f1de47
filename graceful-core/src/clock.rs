//! The only file that asks for the time.
//!
//! The lifecycle machine is handed `now`; everything else asks here, so a search for clock reads ends in one place.
//! `Instant` is `CLOCK_MONOTONIC` on Linux: it runs on while the process is stopped (`SIGSTOP`) and stands still while the
//! machine is suspended, so a budget does not run out during a laptop's sleep.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// The monotonic time now.
pub(crate) fn now() -> Instant {
    Instant::now()
}

/// Milliseconds since the Unix epoch, for the report; 0 when the wall clock is before it.
pub(crate) fn unix_millis() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| u64::try_from(since.as_millis()).unwrap_or(u64::MAX))
}

/// What is left until `deadline`, zero once it has passed.
pub(crate) fn until(deadline: Instant) -> Duration {
    deadline.saturating_duration_since(now())
}
