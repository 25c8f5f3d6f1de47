//! What the system knows of the process, and checks that turn its health to `degraded` when it takes too much.
//!
//! ```no_run
//! use graceful::health::Probes;
//! use graceful::http::Router;
//! use graceful::process::Monitor;
//! use graceful::{App, StartError};
//!
//! #[graceful::main]
//! fn main(app: &App) -> Result<(), StartError> {
//!     Monitor::new().memory_threshold_mb(512).cpu_threshold_percent(90).watch(app)?;
//!     Probes::new().serve(app, "127.0.0.1:9090")?;            // /health says `degraded` while it is over one of them
//!     app.http("127.0.0.1:8080", Router::new().get("/", || "Hello, World!"))?;
//!     Ok(())
//! }
//! ```
//!
//! A [`Monitor`] adds a check of readiness for each threshold: `process_memory` and `process_cpu`. They are not critical, so
//! the service stays ready and goes on serving; `/health` says `degraded` and names them, metrics have them in
//! `graceful_check_passing`, and the log is told when one fails, with the figure and the threshold, and when it recovers.
//! Both together cost some 25 µs of processor time a second (`benches/README.md`), so they can stay on.
//!
//! # Settings
//!
//! [`Monitor::from_settings`] takes these; what is said in code after it wins.
//!
//! | variable | sets | default |
//! |---|---|---|
//! | `PROCESS_MONITORING_ENABLED` | `false` leaves both checks out, whatever the thresholds are | `true` |
//! | `MEMORY_THRESHOLD_MB` | the threshold of the resident memory; 1 MB is 1 048 576 bytes | none |
//! | `CPU_THRESHOLD_PERCENT` | that of the processor time; 100 is one core | none |
//!
//! # Platforms
//!
//! Figures are read from `/proc`, which Linux has. Elsewhere there are the pid and the platform, and a check with a threshold
//! fails, saying that the figure cannot be read: a monitor that sees nothing does not say that all is well.

mod control_group;
mod monitor;
mod proc;
mod settings;
mod usage;

use std::time::Duration;

pub use self::monitor::Monitor;
pub use self::usage::{Platform, Usage};

/// Everything that is known of this process now.
///
/// # Blocking
/// For a tenth of a millisecond: it reads a dozen small files of the kernel's.
#[must_use]
pub fn usage() -> Usage {
    Usage::read()
}

/// The processor time of this process, of the user and the system together, to 10 ms.
#[must_use]
pub fn cpu_time() -> Option<Duration> {
    read_cpu_time().ok()
}

/// The resident memory of this process in bytes.
#[must_use]
pub fn resident_memory() -> Option<u64> {
    read_resident_memory().ok()
}

fn read_cpu_time() -> Result<Duration, String> {
    proc::figure("/proc/self/stat", |stat| proc::Stat::parse(stat).cpu_time)
}

/// Not from `statm`, which counts in pages, whose size is another question.
fn read_resident_memory() -> Result<u64, String> {
    proc::figure("/proc/self/status", |status| proc::Status::parse(status).resident)
}
