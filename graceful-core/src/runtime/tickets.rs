//! What keeps the drain open: a count that, once closed, is never raised again.

use super::stop::{Stage, Stop, Stops};
use crate::sync::{Arc, Mutex, MutexGuard, PoisonError};
use crate::text::owned;
use std::fmt;

/// Keeps the drain open for as long as it lives: the guard by which a foreign server takes part.
///
/// A server that `graceful` does not run takes a ticket when it starts and drops it when its accept loop has ended; for each
/// connection it clones the ticket. The drain ends when the last one is dropped, or at its deadline, and the report names
/// those that were still out.
///
/// # Examples
/// ```
/// # fn serve(_: std::net::TcpStream) {}
/// fn accept_loop(ticket: graceful_core::Ticket, listener: std::net::TcpListener) -> std::io::Result<()> {
///     while let Some((stream, _peer)) = ticket.stop().accept(&listener)? {
///         let ticket = ticket.clone();
///         std::thread::spawn(move || {
///             serve(stream);
///             drop(ticket);
///         });
///     }
///     Ok(())
/// }
/// ```
pub struct Ticket {
    tickets: Arc<Tickets>,
    name: Arc<str>,
    stop: Stop,
}

/// The drain has ended: nothing new can keep it open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DrainClosed;

impl Ticket {
    /// The token that fires when the drain begins: stop accepting, finish what is in flight.
    #[must_use]
    pub fn stop(&self) -> &Stop {
        &self.stop
    }

    /// The name given when it was taken.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }
}

impl Clone for Ticket {
    /// One more reason to keep the drain open; works after the drain began, since this ticket still holds it open.
    fn clone(&self) -> Self {
        self.tickets.add(&self.name);
        Self { tickets: Arc::clone(&self.tickets), name: Arc::clone(&self.name), stop: self.stop.clone() }
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        self.tickets.remove(&self.name);
    }
}

impl fmt::Debug for Ticket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Ticket").field("name", &self.name).finish_non_exhaustive()
    }
}

impl fmt::Display for DrainClosed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the drain has ended, no ticket can be taken any more")
    }
}

impl std::error::Error for DrainClosed {}

/// All tickets of a runtime.
pub(crate) struct Tickets {
    state: Mutex<State>,
    on_empty: Box<dyn Fn() + Send + Sync>,
}

struct State {
    out: usize,
    /// Sorted.
    by_name: Vec<(Arc<str>, usize)>,
    /// Someone waits for the last ticket: `on_empty` is called when it comes back.
    draining: bool,
    closed: bool,
}

impl Tickets {
    /// `on_empty` is called each time the count falls to zero after [`drain`](Tickets::drain); it must not block.
    pub(crate) fn new(on_empty: impl Fn() + Send + Sync + 'static) -> Arc<Self> {
        Arc::new(Self {
            state: Mutex::new(State { out: 0, by_name: Vec::new(), draining: false, closed: false }),
            on_empty: Box::new(on_empty),
        })
    }

    pub(crate) fn take(self: &Arc<Self>, name: &str, stops: &Arc<Stops>) -> Result<Ticket, DrainClosed> {
        let name: Arc<str> = Arc::from(name);
        {
            let mut state = self.lock();
            if state.closed {
                return Err(DrainClosed);
            }
            state.add(&name);
        }
        let stop = Stop::new(Arc::clone(stops), Stage::Draining, Stage::Cancelling);
        Ok(Ticket { tickets: Arc::clone(self), name, stop })
    }

    /// From now on an empty count is announced; at once if it is empty.
    pub(crate) fn drain(&self) {
        let empty = {
            let mut state = self.lock();
            state.draining = true;
            state.out == 0
        };
        if empty {
            (self.on_empty)();
        }
    }

    /// Ends the drain if nothing is out: closed and empty are decided under one lock, so nothing slips in between.
    pub(crate) fn close_if_empty(&self) -> bool {
        let mut state = self.lock();
        if state.out == 0 {
            state.closed = true;
        }
        state.closed
    }

    /// Ends the drain whatever is out, and tells what that is: name and count.
    pub(crate) fn close(&self) -> Vec<(String, usize)> {
        let mut state = self.lock();
        state.closed = true;
        state.by_name.iter().map(|(name, count)| (owned(name), *count)).collect()
    }

    /// What is out: name and count.
    pub(crate) fn out(&self) -> Vec<(String, usize)> {
        self.lock().by_name.iter().map(|(name, count)| (owned(name), *count)).collect()
    }

    fn add(&self, name: &Arc<str>) {
        let mut state = self.lock();
        state.add(name);
    }

    fn remove(&self, name: &Arc<str>) {
        let empty = {
            let mut state = self.lock();
            state.remove(name);
            state.out == 0 && state.draining && !state.closed
        };
        if empty {
            (self.on_empty)();
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn add(&mut self, name: &Arc<str>) {
        self.out += 1;
        match self.find(name) {
            Ok(at) => self.by_name[at].1 += 1,
            Err(at) => self.by_name.insert(at, (Arc::clone(name), 1)),
        }
    }

    #[inline(never)]
    fn remove(&mut self, name: &str) {
        self.out -= 1;
        // Invariant: what is removed was added.
        if let Ok(at) = self.find(name) {
            self.by_name[at].1 -= 1;
            if self.by_name[at].1 == 0 {
                self.by_name.remove(at);
            }
        }
    }

    #[inline(never)]
    fn find(&self, name: &str) -> Result<usize, usize> {
        self.by_name.binary_search_by(|(known, _)| (**known).cmp(name))
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    fn tickets() -> (Arc<Tickets>, Arc<AtomicUsize>) {
        let told = Arc::new(AtomicUsize::new(0));
        let counter = Arc::clone(&told);
        let on_empty = move || {
            counter.fetch_add(1, Ordering::SeqCst);
        };
        (Tickets::new(on_empty), told)
    }

    #[test]
    fn empty_is_told_only_while_draining() {
        let (tickets, told) = tickets();
        let stops = Stops::new();
        drop(tickets.take("a", &stops));
        assert_eq!(told.load(Ordering::SeqCst), 0);
        let held = tickets.take("a", &stops).expect("open");
        tickets.drain();
        assert_eq!(told.load(Ordering::SeqCst), 0);
        drop(held);
        assert_eq!(told.load(Ordering::SeqCst), 1);
    }

    #[test]
    fn closed_and_empty_at_the_same_time() {
        let (tickets, _) = tickets();
        let stops = Stops::new();
        let held = tickets.take("late", &stops).expect("open");
        assert!(!tickets.close_if_empty());
        let clone = held.clone();
        drop(held);
        assert_eq!(tickets.close(), vec![("late".to_owned(), 1)]);
        drop(clone);
        assert_eq!(tickets.take("more", &stops).map(drop), Err(DrainClosed));
    }
}

#[cfg(all(test, graceful_shuttle))]
mod schedules {
    use super::*;
    use crate::sync::atomic::{AtomicBool, Ordering};
    use crate::sync::explore;

    /// Whoever comes last tells, nothing is told early, and nothing gets in after the end: in every order.
    #[test]
    fn shuttle_the_drain_ends_once_and_only_when_nothing_is_out() {
        explore(|| {
            let empty = Arc::new(AtomicBool::new(false));
            let told = Arc::clone(&empty);
            let tickets = Tickets::new(move || told.store(true, Ordering::SeqCst));
            let stops = Stops::new();
            let listener = tickets.take("listener", &stops).expect("open");
            let connection = listener.clone();
            let threads = [
                ::shuttle::thread::spawn(move || {
                    let more = connection.clone();
                    drop(connection);
                    drop(more);
                }),
                ::shuttle::thread::spawn(move || drop(listener)),
                {
                    let (tickets, stops) = (Arc::clone(&tickets), Arc::clone(&stops));
                    ::shuttle::thread::spawn(move || drop(tickets.take("late", &stops)))
                },
            ];
            tickets.drain();
            if tickets.close_if_empty() {
                // Closed is closed: nobody is out, and nobody can come.
                assert!(tickets.close().is_empty());
                assert!(tickets.take("after", &stops).is_err());
            }
            for thread in threads {
                thread.join().expect("no panic");
            }
            assert!(tickets.close_if_empty(), "all are back");
            assert!(tickets.close().is_empty());
            assert!(empty.load(Ordering::SeqCst) || tickets.take("x", &stops).is_err());
        });
    }
}
