//! Windows: console events, threads and the process. Compile-checked; its behaviour is not tested here.

mod console;
mod process;
mod sockets;
mod threads;

pub(crate) use console::*;
pub(crate) use process::*;
pub(crate) use sockets::*;
pub(crate) use threads::*;
