//! Why connections could not be opened, with everything that the driver knows.

use std::error::Error;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use ::r2d2::HandleError;
#[cfg(any(feature = "postgres", feature = "sqlite"))]
use {
    ::r2d2::ManageConnection,
    graceful_core::BoxError,
    std::thread,
    std::time::{Duration, Instant},
};

/// Keeps the last error of a pool: r2d2 keeps only an error's own text, which of PostgreSQL's driver is `db error`.
#[derive(Clone, Default)]
pub(crate) struct Trouble(Arc<Mutex<Option<String>>>);

impl Trouble {
    /// What went wrong last, with its causes.
    pub(crate) fn last(&self) -> Option<String> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl<E: Error> HandleError<E> for Trouble {
    fn handle_error(&self, error: E) {
        let text = with_causes(&error);
        log::warn!(target: "graceful", error = text.as_str(); "database connection failed");
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(text);
    }
}

impl fmt::Debug for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Trouble").field(&self.last()).finish()
    }
}

/// Opens a pool and waits until it has all of its connections; the first error ends the wait. r2d2 by itself would try again
/// until its timeout, which is as well the limit for all of them together.
#[cfg(any(feature = "postgres", feature = "sqlite"))]
pub(crate) fn open_all<M: ManageConnection>(
    builder: ::r2d2::Builder<M>,
    manager: M,
    limit: Duration,
) -> Result<(::r2d2::Pool<M>, Trouble), BoxError> {
    let trouble = Trouble::default();
    let pool = builder.error_handler(Box::new(trouble.clone())).build_unchecked(manager);
    let deadline = Instant::now() + limit;
    loop {
        let opened = pool.state().connections;
        if opened >= pool.max_size() {
            return Ok((pool, trouble));
        }
        if let Some(error) = trouble.last() {
            return Err(format!("connection {} of {}: {error}", opened + 1, pool.max_size()).into());
        }
        if Instant::now() >= deadline {
            return Err(format!("only {opened} of {} connections were open after {limit:?}", pool.max_size()).into());
        }
        // There is no event for it.
        thread::sleep(Duration::from_millis(1));
    }
}

/// An error's text and those of its causes, without what is repeated.
pub(crate) fn with_causes(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let more = error.to_string();
        if !text.contains(&more) {
            text.push_str(": ");
            text.push_str(&more);
        }
        cause = error.source();
    }
    text
}
