//! Locks and atomics, exchangeable for those of a model checker.
//!
//! `RUSTFLAGS="--cfg graceful_shuttle" cargo test -p graceful-core --lib shuttle` runs the parts where threads meet under
//! thousands of schedules.

#[cfg(graceful_shuttle)]
pub(crate) use shuttle::sync::{Arc, Condvar, Mutex, MutexGuard, atomic};
#[cfg(not(graceful_shuttle))]
pub(crate) use std::sync::{Arc, Condvar, Mutex, MutexGuard, atomic};

pub(crate) use std::sync::PoisonError;

/// Takes a lock that the model checker knows nothing of, whoever has panicked under it: one under which nothing panics, or
/// whose state stays whole.
// Not inlined: it is called in a hundred places, and is the same code for all types.
#[inline(never)]
pub(crate) fn lock<T>(mutex: &std::sync::Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Runs a test body under random schedules.
#[cfg(all(test, graceful_shuttle))]
pub(crate) fn explore(body: impl Fn() + Send + Sync + 'static) {
    shuttle::check_random(body, 5000);
}
