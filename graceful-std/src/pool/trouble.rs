//! Why connections could not be opened, with everything that the driver knows.

use std::error::Error;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use ::r2d2::HandleError;

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
