//! The only `unsafe` code: what a platform must supply.
//!
//! | function | what it must do |
//! |---|---|
//! | `install_signals` | record stop and reload requests through [`emergency`], from the first moment on |
//! | `block_signals`, `thread_id`, `name_thread` | threads of our own |
//! | `monotonic_millis` | a clock that a signal handler may read |
//! | `exit_now`, `write_stderr`, `write_stderr_now` | end the process without a lock |
//! | `wait_alarm`, `ring_alarm` | wake the watchdog without a lock or an allocation |
#![allow(unsafe_code)]

pub(crate) mod emergency;

#[cfg(unix)]
mod unix;
#[cfg(unix)]
pub(crate) use unix::*;
#[cfg(windows)]
mod windows;
#[cfg(windows)]
pub(crate) use windows::*;
