//! Starting threads.

use std::io;
use std::thread::{self, JoinHandle};

use crate::text::owned;

/// Starts a thread of that name, with the library's stack.
pub(crate) fn spawn(name: &str, run: impl FnOnce() + Send + 'static) -> io::Result<JoinHandle<()>> {
    spawn_with(name, None, Box::new(run))
}

/// The one place where threads are started: what the library does for it is two kilobytes of code for each closure.
#[inline(never)]
pub(crate) fn spawn_with(
    name: &str,
    stack: Option<usize>,
    run: Box<dyn FnOnce() + Send>,
) -> io::Result<JoinHandle<()>> {
    let mut builder = thread::Builder::new().name(owned(name));
    if let Some(stack) = stack {
        builder = builder.stack_size(stack);
    }
    builder.spawn(run)
}
