//! Where the lifecycle is.

use std::fmt;

/// Where a service is between its birth and its end. Phases are entered in this order and never left backwards.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
#[repr(u8)]
pub enum Phase {
    /// `main` is still at work; not ready.
    Starting,
    /// Ready.
    Serving,
    /// Not ready, still serving, so that balancers look away. Hooks of the phase `before_drain` run here.
    LameDuck,
    /// Listeners stop, work in flight comes to an end.
    Draining,
    /// Background tasks are told to stop and joined.
    StoppingTasks,
    /// Cleanup hooks run by order.
    CleaningUp,
    /// Flush hooks run, logs are flushed, the report is written.
    Flushing,
    /// It is over.
    Exited,
}

impl Phase {
    /// The phases of a shutdown, in order.
    pub(crate) const SHUTDOWN: [Self; 5] =
        [Self::LameDuck, Self::Draining, Self::StoppingTasks, Self::CleaningUp, Self::Flushing];

    /// The name in logs and reports: `lame_duck`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Starting => "starting",
            Self::Serving => "serving",
            Self::LameDuck => "lame_duck",
            Self::Draining => "draining",
            Self::StoppingTasks => "stopping_tasks",
            Self::CleaningUp => "cleaning_up",
            Self::Flushing => "flushing",
            Self::Exited => "exited",
        }
    }

    /// Whether a shutdown has been requested.
    #[must_use]
    pub fn is_stopping(self) -> bool {
        self >= Self::LameDuck
    }

    pub(crate) fn from_u8(value: u8) -> Self {
        match value {
            0 => Self::Starting,
            1 => Self::Serving,
            2 => Self::LameDuck,
            3 => Self::Draining,
            4 => Self::StoppingTasks,
            5 => Self::CleaningUp,
            6 => Self::Flushing,
            _ => Self::Exited,
        }
    }
}

impl fmt::Display for Phase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}
