//! Whether Redis is closed with a farewell.

use graceful_core::__private::process_setting;
use graceful_core::Switch;

use crate::pool::Force;

/// What happens to what is pending, and to those who are at something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Farewell {
    /// Nothing is sent any more, and nobody is waited for.
    None,
    /// Everything is sent, and whoever is at something may finish.
    Said,
}

impl Farewell {
    /// As `REDIS_GRACEFUL_CLOSE` says.
    pub(super) fn wanted() -> Self {
        match process_setting("redis_graceful_close").and_then(|(value, _)| value.switch()) {
            Some(Switch::Off) => Self::None,
            _ => Self::Said,
        }
    }
}

/// When commands are cancelled.
pub(super) fn force() -> Force {
    match Farewell::wanted() {
        Farewell::None => Force::AtOnce,
        Farewell::Said => Force::AtDeadline,
    }
}
