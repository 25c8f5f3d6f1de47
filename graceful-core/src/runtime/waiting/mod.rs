//! Waiting for something *or* the time to stop: what a [`Stop`](crate::Stop) adds to the blocking calls of std.

mod accept;
mod join;
mod recv;
#[cfg(unix)]
mod source;

pub use accept::Listener;
pub use join::{Unjoined, WaitEnded, join_timeout};
pub use recv::{Receive, RecvError};
#[cfg(unix)]
pub use source::StopSource;
