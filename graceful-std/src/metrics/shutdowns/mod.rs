//! Figures of shutdowns, which outlive the process that they are of.
//!
//! ```text
//! Report ──> History ──> families ──> /metrics, the file, the push
//!               ▲                          │
//!               └──────────── text <───────┘   at the next start
//! ```

mod families;
mod file;
mod history;
mod text;

use std::sync::{Mutex, MutexGuard, PoisonError};

use graceful_core::{App, Report};

pub(super) use self::families::Families;
pub(super) use self::file::Keeper;
pub(super) use self::history::History;

/// What is known of the shutdowns of a service, the one of this process with them once it is settled.
#[derive(Debug)]
pub(super) struct Shutdowns {
    app: App,
    so_far: Mutex<SoFar>,
}

#[derive(Debug, Default)]
struct SoFar {
    history: History,
    /// Whether that of this process is in it.
    settled: bool,
}

impl Shutdowns {
    pub(super) fn new(app: &App) -> Self {
        Self { app: app.clone(), so_far: Mutex::default() }
    }

    /// Adds the shutdown of this process, once.
    pub(super) fn settle(&self, report: &Report) {
        let mut so_far = self.lock();
        if !so_far.settled {
            so_far.settled = true;
            so_far.history.add(report);
        }
    }

    pub(super) fn families(&self) -> Families {
        Families { history: self.lock().history.clone(), components: self.app.components() }
    }

    /// Goes on from there.
    fn resume(&self, history: History) {
        self.lock().history = history;
    }

    fn is_settled(&self) -> bool {
        self.lock().settled
    }

    fn history(&self) -> History {
        self.lock().history.clone()
    }

    fn lock(&self) -> MutexGuard<'_, SoFar> {
        self.so_far.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
