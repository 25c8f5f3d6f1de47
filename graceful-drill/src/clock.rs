//! The only file that asks for the time.

use std::time::{Duration, Instant};

/// Waits are capped here, so that adding one to an instant cannot overflow.
const LONGEST: Duration = Duration::from_hours(24);

pub(crate) fn now() -> Instant {
    Instant::now()
}

/// This much after an instant, or a day after it.
pub(crate) fn after(instant: Instant, delay: Duration) -> Instant {
    instant + delay.min(LONGEST)
}
