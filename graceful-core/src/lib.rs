//! The core of `graceful`: how a threaded service starts, serves, drains and dies well.
#![deny(unsafe_code)]

mod clock;
mod engine;
mod error;
mod lifecycle;
mod observe;
mod runtime;
mod sys;

pub use error::{BoxError, StartError};
pub use runtime::stop::{Stop, Stopping};
pub use runtime::tickets::{DrainClosed, Ticket};
