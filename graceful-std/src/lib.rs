//! How a threaded service starts, serves, drains and dies well, without an async runtime.
#![forbid(unsafe_code)]

pub use graceful_core::*;
#[cfg(feature = "macros")]
pub use graceful_macros::{cleanup, main, reload, task};

#[doc(hidden)]
pub use graceful_core::__private;
