//! External services (payment, mail, file storage, …), closed at the same time inside one budget.
//!
//! ```
//! use graceful::external::{Closers, NotClosed};
//! use graceful::{Deadline, cleanup};
//!
//! # struct Payment; impl Payment { fn settle(&self, _: Deadline) -> std::io::Result<()> { Ok(()) } }
//! # struct Storage; impl Storage { fn finish_uploads(&self, _: Deadline) -> std::io::Result<()> { Ok(()) } }
//! # use std::sync::Arc;
//! struct Services { payment: Arc<Payment>, storage: Arc<Storage> }
//!
//! #[cleanup(order = 30, timeout = "5s")]
//! fn close_services(services: &Services, deadline: Deadline) -> Result<(), NotClosed> {
//!     let Services { payment, storage } = services;
//!     let (payment, storage) = (Arc::clone(payment), Arc::clone(storage));
//!     Closers::new()
//!         .add("payment", move |deadline| payment.settle(deadline))
//!         .add("storage", move |deadline| storage.finish_uploads(deadline))
//!         .close(deadline)
//! }
//! ```

use std::error::Error;
use std::fmt;
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use graceful_core::__private::catch_panic;
use graceful_core::{BoxError, Deadline};

/// What is to be closed, by name.
#[derive(Default)]
#[must_use = "nothing is closed before `close`"]
pub struct Closers(Vec<(String, Close)>);

type Close = Box<dyn FnOnce(Deadline) -> Result<(), BoxError> + Send>;

/// Those that did not close, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct NotClosed {
    /// By name, in the order in which they were added.
    pub services: Vec<(String, Why)>,
}

/// Why one did not close.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Why {
    /// It said so.
    Failed(String),
    /// It panicked with this message.
    Panicked(String),
    /// It was still at it when the time was over. Its thread is left behind.
    TimedOut,
}

/// What is kept of the time to tell of those that hang.
const REST: Duration = Duration::from_millis(20);

impl Closers {
    /// None yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds one. It is given the deadline, and should be through by then.
    pub fn add<E: Into<BoxError>>(
        mut self,
        name: impl Into<String>,
        close: impl FnOnce(Deadline) -> Result<(), E> + Send + 'static,
    ) -> Self {
        self.0.push((name.into(), Box::new(move |deadline| close(deadline).map_err(Into::into))));
        self
    }

    /// Closes all at the same time, each on a thread of its own. One that fails, panics or hangs does not concern the others.
    ///
    /// # Errors
    /// [`NotClosed`] names those that were not closed.
    ///
    /// # Blocking
    /// Until all are closed, and no longer than the deadline.
    pub fn close(self, deadline: Deadline) -> Result<(), NotClosed> {
        let until = deadline.instant().checked_sub(REST.min(deadline.remaining() / 10)).unwrap_or(deadline.instant());
        let (told, results) = mpsc::channel();
        let mut outcomes = Vec::new();
        for (place, (name, close)) in self.0.into_iter().enumerate() {
            let told = told.clone();
            let run = move || {
                // Its error's text is the user's to make.
                let closed = catch_panic(|| close(deadline).map_err(|error| error.to_string()));
                let outcome = match closed {
                    Ok(Ok(())) => None,
                    Ok(Err(error)) => Some(Why::Failed(error)),
                    Err(panic) => Some(Why::Panicked(panic)),
                };
                // Nobody listens any more after the deadline.
                let _ = told.send((place, outcome));
            };
            outcomes.push((
                name,
                match thread::Builder::new().name("gf-external".into()).spawn(run) {
                    Ok(_) => Some(Why::TimedOut),
                    Err(error) => Some(Why::Failed(format!("no thread: {error}"))),
                },
            ));
        }
        drop(told);
        // Until all have told, or it is time.
        while let Ok((place, outcome)) = results.recv_timeout(until.saturating_duration_since(Instant::now())) {
            outcomes[place].1 = outcome;
        }
        let services: Vec<_> = outcomes.into_iter().filter_map(|(name, why)| Some((name, why?))).collect();
        if services.is_empty() { Ok(()) } else { Err(NotClosed { services }) }
    }
}

impl fmt::Debug for Closers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.0.iter().map(|(name, _)| name)).finish()
    }
}

impl fmt::Display for NotClosed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (place, (name, why)) in self.services.iter().enumerate() {
            let comma = if place == 0 { "" } else { ", " };
            match why {
                Why::Failed(error) => write!(f, "{comma}{name}: {error}")?,
                Why::Panicked(message) => write!(f, "{comma}{name} panicked: {message}")?,
                Why::TimedOut => write!(f, "{comma}{name} did not close in time")?,
            }
        }
        Ok(())
    }
}

impl Error for NotClosed {}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::Barrier;

    use super::*;

    #[test]
    fn all_are_closed_at_the_same_time() {
        let all = Arc::new(Barrier::new(3));
        let closers = (0..3).fold(Closers::new(), |closers, number| {
            let all = Arc::clone(&all);
            // It would hang if the others waited for it.
            closers.add(format!("service {number}"), move |_| {
                all.wait();
                Ok::<_, BoxError>(())
            })
        });
        assert_eq!(closers.close(Deadline::after(Duration::from_secs(20))), Ok(()));
    }

    #[test]
    fn one_that_fails_panics_or_hangs_does_not_concern_the_others() {
        let (open, gate) = mpsc::channel::<()>();
        let (closed, seen) = mpsc::channel();
        let result = Closers::new()
            .add("payment", |_| Err("refused"))
            .add("mail", |_| -> Result<(), BoxError> { panic!("as it was told") })
            .add("storage", move |_| {
                let _ = gate.recv();
                Ok::<_, BoxError>(())
            })
            .add("search", move |deadline| closed.send(deadline.remaining()))
            .close(Deadline::after(Duration::from_millis(300)));
        let text = result.expect_err("three of them").to_string();
        assert_eq!(text, "payment: refused, mail panicked: as it was told, storage did not close in time");
        assert!(seen.recv().expect("it was closed") <= Duration::from_millis(300));
        drop(open);
    }

    #[test]
    fn nothing_to_close() {
        assert_eq!(Closers::new().close(Deadline::after(Duration::ZERO)), Ok(()));
    }
}
