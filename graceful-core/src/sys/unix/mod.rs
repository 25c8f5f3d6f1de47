//! Unix: signals, threads, processes and sockets.

mod children;
mod poll;
mod process;
mod signals;
mod sockets;
mod threads;
mod transfer;

pub(crate) use children::*;
pub(crate) use poll::*;
pub(crate) use process::*;
pub(crate) use signals::*;
pub(crate) use sockets::*;
pub(crate) use threads::*;
pub(crate) use transfer::*;
