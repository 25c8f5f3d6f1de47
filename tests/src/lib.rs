//! The harness of the process-level tests: real binaries, real signals, a deadline on every wait.
//!
//! ```no_run
//! use graceful_tests::{PATIENCE, Service, Signal};
//!
//! let service = Service::fixture("plain").env("SHUTDOWN_TIMEOUT", "20").start();
//! service.signal(Signal::SIGTERM);
//! let exit = service.wait(PATIENCE);
//! exit.expect_code(0);
//! assert_eq!(exit.report()["reason"]["signal"], "SIGTERM");
//! ```
//!
//! - A [`Service`] is built, then [started](Service::start): a ready line on stdout is awaited. [`Running`] is the process;
//!   it is [waited](Running::wait) for, and what it left behind is its [`Exit`]. One that is dropped first (a failed
//!   assertion) is terminated, killed and reaped, with everything in its process group.
//! - Nothing sleeps for a fixed time but the gap between two signals, where the gap is what is tested. Every wait is for an
//!   event and has a deadline; one that fails prints all that was captured.
//! - Signals are sent to other processes only, never raised in the test's own.
//!
//! [`fixture`] is the other side: what the binaries in `src/bin` share.
#![forbid(unsafe_code)]

mod binaries;
mod certificate;
pub mod checks;
mod client;
pub mod crowd;
mod daemon;
mod exit;
pub mod fixture;
mod frames;
mod http;
mod kernel;
pub mod nats;
mod output;
pub mod postgres;
mod preload;
pub mod prometheus;
pub mod redis;
mod running;
mod service;
mod stream;
pub mod ws;

use std::time::Duration;

pub use binaries::from_pypi;
pub use client::{Client, Seen, ask_once};
pub use daemon::Daemon;
pub use exit::Exit;
pub use http::{Answer, Http, get, post};
pub use nix::sys::signal::Signal;
pub use output::Line;
pub use preload::preload;
pub use running::Running;
pub use service::Service;
pub use stream::Stream;

/// How long anything that must happen may take on a busy machine before the test gives up.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// What a bound on time is allowed beyond itself, on a machine with few processors and other tests at work.
pub const SLACK: Duration = Duration::from_secs(3);

/// What the service itself promises beyond its total.
pub const MARGIN: Duration = Duration::from_millis(250);
