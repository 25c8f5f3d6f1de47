//! Settings from a file, in TOML.
//!
//! ```toml
//! # service.toml
//! shutdown_timeout = "45s"
//! shutdown_drain = 30             # seconds: what a bare number counts is in the table of settings
//! readiness_check_enabled = true
//!
//! [hooks]                         # the timeouts of hooks, by their names
//! close_db = "10s"
//! ```
//!
//! `#[graceful::main(config = "service.toml")]` or [`Builder::file`](crate::Builder::file) names the file, the variable
//! `GRACEFUL_CONFIG` another. A path that is not absolute begins where the process was started.
//! The keys are those of [the table of settings](crate#settings); a file says what an attribute leaves open or says otherwise,
//! and the environment is stronger.
//!
//! A file that is the service's own may have our settings in a table `[graceful]`, with `[graceful.hooks]`: then nothing else
//! of it is looked at. In one without that table every key is ours, and one that nobody knows is an error.
//!
//! # When it cannot be used
//!
//! A file that was named and is missing, is no file, cannot be read, is larger than 1 MiB, is not UTF-8 or not TOML, has a key
//! that nobody knows or a value that cannot be: the service does not start, and says file, line, column, and what to write.
//! The text of a line is never shown, since it may hold a secret.
//!
//! It is read once, at the start: what it says later needs a restart.

// With every feature that has settings, as the tests have them: the reference is of all of them.
#[cfg(all(
    test,
    feature = "admin",
    feature = "config",
    feature = "logging",
    feature = "metrics",
    feature = "pool",
    feature = "process",
    feature = "redis"
))]
mod reference;
mod toml;

pub use self::toml::toml;
