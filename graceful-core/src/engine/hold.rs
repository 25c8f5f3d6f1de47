//! The one ticket of the engine: held while any listener, connection or handler is left.
//!
//! A ticket costs a lock and an entry in a map, too much for every connection. So they share one, and counting them costs
//! an atomic addition.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use super::core::Core;
use crate::runtime::stop::Stops;
use crate::runtime::tickets::{DrainClosed, Ticket, Tickets};

/// How the ticket is called where the report lists what kept the drain open.
pub(crate) const TICKET: &str = "connections";

pub(super) struct Hold {
    tickets: Arc<Tickets>,
    stops: Arc<Stops>,
    live: AtomicUsize,
    /// There is one whenever `live` is above zero. It goes from and to zero only under this lock.
    ticket: Mutex<Option<Ticket>>,
}

/// One reason to keep the drain open.
pub(super) struct Held {
    core: Arc<Core>,
}

impl Hold {
    pub(super) fn new(tickets: Arc<Tickets>, stops: Arc<Stops>) -> Self {
        Self { tickets, stops, live: AtomicUsize::new(0), ticket: Mutex::new(None) }
    }

    fn add(&self) -> Result<(), DrainClosed> {
        let added = self.live.fetch_update(Ordering::AcqRel, Ordering::Acquire, |live| (live > 0).then_some(live + 1));
        if added.is_ok() {
            return Ok(());
        }
        let mut ticket = self.ticket.lock().unwrap_or_else(PoisonError::into_inner);
        if ticket.is_none() {
            *ticket = Some(self.tickets.take(TICKET, &self.stops)?);
        }
        self.live.fetch_add(1, Ordering::AcqRel);
        Ok(())
    }

    fn remove(&self) {
        if self.live.fetch_sub(1, Ordering::AcqRel) > 1 {
            return;
        }
        let last = {
            let mut ticket = self.ticket.lock().unwrap_or_else(PoisonError::into_inner);
            // Someone may have come in between.
            if self.live.load(Ordering::Acquire) == 0 { ticket.take() } else { None }
        };
        // Outside the lock: this may tell the coordinator that the drain is over.
        drop(last);
    }
}

impl Held {
    /// # Errors
    /// The drain has ended.
    pub(super) fn take(core: &Arc<Core>) -> Result<Self, DrainClosed> {
        core.hold.add()?;
        Ok(Self { core: Arc::clone(core) })
    }

    pub(super) fn core(&self) -> &Arc<Core> {
        &self.core
    }
}

impl Clone for Held {
    fn clone(&self) -> Self {
        // This one is counted, so the ticket is there and cannot go.
        self.core.hold.live.fetch_add(1, Ordering::Relaxed);
        Self { core: Arc::clone(&self.core) }
    }
}

impl Drop for Held {
    // Not inlined: there are many places where one is dropped.
    #[inline(never)]
    fn drop(&mut self) {
        self.core.hold.remove();
    }
}
