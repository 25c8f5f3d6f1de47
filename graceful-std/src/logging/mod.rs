//! A logger for services: JSON for machines, or text for people, and never in the service's way.
//!
//! ```no_run
//! fn main() -> Result<(), graceful::logging::InitError> {
//!     graceful::logging::init()?;                       // LOG_FORMAT and LOG_LEVEL say how
//!     log::info!(order = 7, took_ms = 12; "order stored");
//!     Ok(())
//! }
//! ```
//!
//! | variable | value | default |
//! |---|---|---|
//! | `LOG_FORMAT` | `json`, `text` | `text` when stderr is a terminal, else `json` |
//! | `LOG_LEVEL` | `off`, `error`, `warn`, `info`, `debug`, `trace`; for some targets another: `info,my_crate::db=debug` | `info` |
//! | `NO_COLOR` | anything: no colour | colour on terminals |
//!
//! In a settings file they are `log_format` and `log_level`.
//!
//! A line of JSON:
//!
//! ```json
//! {"timestamp":"2026-11-21T14:05:06.789Z","level":"info","target":"graceful","message":"hook finished","event_type":"hook_finished","component":"close_db","status":"completed","took_ms":12.3,"name":"close_db","order":20,"outcome":"completed","took":"12.3ms"}
//! ```
//!
//! What the framework tells (target `graceful`) has these beside its own fields, so that a query needs no text search:
//!
//! | field | says | of a hook that finished | of a phase that was left |
//! |---|---|---|---|
//! | `event_type` | what happened: the message with `_` for spaces, and `shutdown_initiated` for `shutdown requested` | `hook_finished` | `phase_changed` |
//! | `component` | to whom: a hook, a task, a listener's address, a pool, a phase; else `service` | its name | the phase that was left |
//! | `status` | what it came to | `completed`, `failed`, `panicked`, `skipped`, `timed_out` | `done`, `deadline`, `escalated` |
//! | `took_ms` | how long it took, where something ended | since it began | since it was entered |
//!
//! A field of your own with the name of one that every line has gets a `_` behind it.
//!
//! # What the framework tells
//!
//! Every event, and the levels it is told at. A failed step has the same event as one that went well, at a higher level.
//!
#![doc = include_str!("events.md")]
//!
//! # A sink that is stuck
//!
//! Lines go through a bounded queue to a thread that writes them. Nobody who logs waits for the sink: when the queue is full,
//! lines are dropped, and how many is told as soon as there is room (`log lines dropped`). At the end the flush phase waits for
//! the queue, no longer than its budget.

mod filter;
mod json;
mod settings;
mod sink;
mod table;
mod text;
mod time;

use std::io;

use log::{Log, Metadata, Record};

pub use settings::{Format, InitError, Logging};

use filter::Filter;
use settings::Resolved;
use sink::Sink;

/// Installs the logger that the environment asks for.
///
/// # Errors
/// [`InitError`]: a variable that cannot be read, or another logger.
pub fn init() -> Result<(), InitError> {
    Logging::from_env()?.init()
}

struct Logger {
    filter: Filter,
    style: Style,
    sink: Sink,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Style {
    Coloured,
    Json,
    Plain,
}

impl Logger {
    fn start(resolved: Resolved) -> io::Result<Self> {
        let Resolved { filter, style, writer } = resolved;
        Ok(Self { filter, style, sink: Sink::start(writer, style)? })
    }
}

impl Style {
    /// One record as one line.
    fn line(self, record: &Record<'_>) -> Vec<u8> {
        let now = std::time::SystemTime::now();
        match self {
            Self::Json => json::line(record, now),
            Self::Coloured => text::line(record, now, text::Colour::Terminal),
            Self::Plain => text::line(record, now, text::Colour::None),
        }
    }
}

impl Log for Logger {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        self.filter.lets_through(metadata.target(), metadata.level())
    }

    fn log(&self, record: &Record<'_>) {
        if self.enabled(record.metadata()) {
            self.sink.send(self.style.line(record));
        }
    }

    fn flush(&self) {
        self.sink.flush();
    }
}
