//! Who has a connection.

use std::fmt;
use std::panic::Location;
use std::time::{Duration, Instant};

/// Who has a connection, since when, and where it was asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Holder {
    /// The name of the thread that asked, or its number if it has none. The checkout may have moved to another thread since.
    pub thread: String,
    /// The call of [`Pool::get`](super::Pool::get).
    pub location: &'static Location<'static>,
    /// When it was called.
    pub since: Instant,
    /// How long ago that was when this was told.
    pub held: Duration,
    /// Which connection, counted from 1 in the order in which they were first checked out; `None` while the thread is still
    /// in [`Pool::get`](super::Pool::get), where the connection is opened or tested.
    pub connection: Option<u64>,
    /// What became of cancelling it.
    pub cancel: Cancel,
}

/// What became of cancelling what a connection was doing.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Cancel {
    /// It could not be cancelled, and why.
    Failed(String),
    /// The attempt has not come back yet.
    Hanging,
    /// It was cancelled, but the connection has not come back: its holder does something else.
    Ineffective,
    /// Nobody has tried: it was not time yet, or there is no way.
    NotTried,
}

impl fmt::Display for Holder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "thread {} at {}, for {:.1?}", self.thread, self.location, self.held)?;
        match self.connection {
            Some(number) => write!(f, ", connection {number}")?,
            None => f.write_str(", still waiting for its connection")?,
        }
        match &self.cancel {
            Cancel::Failed(error) => write!(f, ", could not be cancelled: {error}"),
            Cancel::Hanging => f.write_str(", its cancellation hangs"),
            Cancel::Ineffective => f.write_str(", cancelled in vain"),
            Cancel::NotTried => Ok(()),
        }
    }
}

/// The first few, with semicolons between them.
pub(super) struct List<'a>(pub(super) &'a [Holder]);

const SHOWN: usize = 8;

impl fmt::Display for List<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (place, holder) in self.0.iter().take(SHOWN).enumerate() {
            let comma = if place == 0 { "" } else { "; " };
            write!(f, "{comma}{holder}")?;
        }
        match self.0.len().saturating_sub(SHOWN) {
            0 => Ok(()),
            more => write!(f, "; and {more} more"),
        }
    }
}
