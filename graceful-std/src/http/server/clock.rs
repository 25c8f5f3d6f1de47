//! The only file of the server that asks for the time.

use std::time::Instant;

/// The monotonic time now.
pub(super) fn now() -> Instant {
    Instant::now()
}
