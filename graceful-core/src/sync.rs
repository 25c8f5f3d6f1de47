//! Locks and atomics, exchangeable for those of a model checker.
//!
//! `RUSTFLAGS="--cfg graceful_shuttle" cargo test -p graceful-core --lib shuttle` runs the parts where threads meet under
//! thousands of schedules.

#[cfg(graceful_shuttle)]
pub(crate) use shuttle::sync::{Arc, Condvar, Mutex, MutexGuard, atomic};
#[cfg(not(graceful_shuttle))]
pub(crate) use std::sync::{Arc, Condvar, Mutex, MutexGuard, atomic};

pub(crate) use std::sync::PoisonError;

/// Runs a test body under random schedules.
#[cfg(all(test, graceful_shuttle))]
pub(crate) fn explore(body: impl Fn() + Send + Sync + 'static) {
    shuttle::check_random(body, 5000);
}
