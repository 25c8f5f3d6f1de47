//! How a session is reached from elsewhere.

use std::fmt;
use std::sync::Arc;
#[cfg(any(not(unix), test))]
use std::sync::atomic::{AtomicBool, Ordering};

use super::event_loop::Loop;

/// Has a session run with [`Wake::Called`](super::protocol::Wake::Called). For any thread, and for as long as it likes: when
/// the connection has ended, ringing does nothing.
///
/// A session that is running is run again afterwards, perhaps for another reason. It is not told how often it was rung for.
#[derive(Clone)]
pub struct Bell(Kind);

#[derive(Clone)]
enum Kind {
    #[cfg(any(not(unix), test))]
    Driven(Arc<AtomicBool>),
    Loop {
        this: Arc<Loop>,
        place: u32,
        connection: u64,
    },
}

/// Where a session is parked between its runs.
#[derive(Clone, Copy)]
pub(super) enum Home<'a> {
    /// Nowhere: a worker waits in its place, and looks at this from time to time.
    #[cfg(any(not(unix), test))]
    Driven(&'a Arc<AtomicBool>),
    /// At a place of this loop.
    Loop(&'a Arc<Loop>, u32),
}

impl Bell {
    /// Has the session run.
    ///
    /// # Platform
    /// Where sessions are driven by workers (Windows), up to 20 ms late.
    ///
    /// # Blocking
    /// No.
    pub fn ring(&self) {
        match &self.0 {
            #[cfg(any(not(unix), test))]
            Kind::Driven(rung) => rung.store(true, Ordering::SeqCst),
            Kind::Loop { this, place, connection } => this.ring_for(*place, *connection),
        }
    }
}

impl Home<'_> {
    pub(super) fn bell(self, connection: u64) -> Bell {
        Bell(match self {
            #[cfg(any(not(unix), test))]
            Self::Driven(rung) => Kind::Driven(Arc::clone(rung)),
            Self::Loop(this, place) => Kind::Loop { this: Arc::clone(this), place, connection },
        })
    }
}

impl fmt::Debug for Bell {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Bell").finish_non_exhaustive()
    }
}
