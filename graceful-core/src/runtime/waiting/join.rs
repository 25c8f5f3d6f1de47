//! Joining a thread that may take longer than one is willing to wait.

use std::fmt;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use crossbeam_channel::{Receiver, RecvTimeoutError};

use crate::{Stop, clock, sys};

/// How often to look when there is no thread to wait with.
const POLL_INTERVAL: Duration = Duration::from_millis(10);

/// The thread was still running when the wait ended: why it ended, and the means to go on waiting.
///
/// Dropping it detaches the thread, as dropping its `JoinHandle` would have done.
pub struct Unjoined<T> {
    joining: Joining<T>,
    why: WaitEnded,
}

/// Why a wait ended without what was waited for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WaitEnded {
    /// It is time to stop.
    Stopping,
    /// The time was up.
    TimedOut,
}

/// Joins a thread, but waits no longer than `timeout`: what `JoinHandle::join` cannot do.
///
/// Without a time limit there is no need for it, and `handle.join()` serves.
///
/// # Errors
/// [`Unjoined`] when the thread is still running, to go on waiting with. The thread is not touched.
///
/// # Blocking
/// Until the thread has ended, or for `timeout`.
/// It waits with the help of a thread `gf-join`; only when that cannot be started does it look every 10 ms instead.
///
/// # Examples
/// ```
/// use std::time::Duration;
/// let worker = std::thread::spawn(|| 6 * 7);
/// match graceful_core::join_timeout(worker, Duration::from_secs(5)) {
///     Ok(Ok(answer)) => assert_eq!(answer, 42),
///     Ok(Err(_panic)) => eprintln!("the worker panicked"),
///     Err(_unjoined) => eprintln!("the worker is stuck"),
/// }
/// ```
pub fn join_timeout<T: Send + 'static>(
    handle: JoinHandle<T>,
    timeout: Duration,
) -> Result<thread::Result<T>, Unjoined<T>> {
    Joining::start(handle).wait(None, timeout)
}

impl Stop {
    /// Joins a thread, but waits no longer than `timeout`, and no longer than until it is time to stop.
    ///
    /// A thread that has ended already is joined even then. After the stop, tell the thread to end in its own way and
    /// give it the time that is left with [`Unjoined::join_timeout`].
    ///
    /// # Errors
    /// [`Unjoined`] when the thread is still running, to go on waiting with. The thread is not touched.
    ///
    /// # Blocking
    /// Until the thread has ended, the token fires or `timeout` has passed.
    /// It waits with the help of a thread `gf-join`; only when that cannot be started does it look every 10 ms instead.
    ///
    /// # Examples
    /// ```
    /// # use std::sync::atomic::{AtomicBool, Ordering};
    /// # use std::time::Duration;
    /// fn supervise(worker: std::thread::JoinHandle<()>, enough: &AtomicBool, stop: &graceful_core::Stop) {
    ///     if let Err(running) = stop.join(worker, Duration::MAX) {
    ///         enough.store(true, Ordering::Relaxed);
    ///         if running.join_timeout(Duration::from_secs(5)).is_err() {
    ///             log::warn!("the worker did not end");
    ///         }
    ///     }
    /// }
    /// ```
    pub fn join<T: Send + 'static>(
        &self,
        handle: JoinHandle<T>,
        timeout: Duration,
    ) -> Result<thread::Result<T>, Unjoined<T>> {
        Joining::start(handle).wait(Some(self), timeout)
    }
}

impl<T: Send + 'static> Unjoined<T> {
    /// Why the wait ended.
    #[must_use]
    pub fn why(&self) -> WaitEnded {
        self.why
    }

    /// Waits for another `timeout`, be it time to stop or not.
    ///
    /// # Errors
    /// `Unjoined` again when the thread is still running.
    ///
    /// # Blocking
    /// Until the thread has ended, or for `timeout`.
    pub fn join_timeout(self, timeout: Duration) -> Result<thread::Result<T>, Self> {
        self.joining.wait(None, timeout)
    }

    /// Waits for another `timeout`, or until it is time to stop.
    ///
    /// # Errors
    /// `Unjoined` again when the thread is still running.
    ///
    /// # Blocking
    /// Until the thread has ended, the token fires or `timeout` has passed.
    pub fn join(self, stop: &Stop, timeout: Duration) -> Result<thread::Result<T>, Self> {
        self.joining.wait(Some(stop), timeout)
    }
}

impl<T> fmt::Debug for Unjoined<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Unjoined").field("why", &self.why).finish_non_exhaustive()
    }
}

impl<T> fmt::Display for Unjoined<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.why {
            WaitEnded::Stopping => "the thread is still running and the service is stopping",
            WaitEnded::TimedOut => "the thread is still running and the time to wait for it is up",
        })
    }
}

impl<T> std::error::Error for Unjoined<T> {}

/// A thread that is waited for.
enum Joining<T> {
    /// A helper joins it and hands on what it returned.
    Helped { result: Receiver<thread::Result<T>>, helper: JoinHandle<()> },
    /// It has ended, or there is no helper: the limit on threads is reached.
    Own(JoinHandle<T>),
}

impl<T: Send + 'static> Joining<T> {
    fn start(handle: JoinHandle<T>) -> Self {
        if handle.is_finished() {
            return Self::Own(handle);
        }
        // The handle goes through a channel: given to `spawn` itself, it would be lost if that failed.
        let (give, take) = crossbeam_channel::bounded::<JoinHandle<T>>(1);
        let (done, result) = crossbeam_channel::bounded(1);
        let helper = thread::Builder::new().name("gf-join".into()).spawn(move || {
            sys::block_signals();
            if let Ok(handle) = take.recv() {
                // Nobody listens any more when the `Unjoined` was dropped.
                drop(done.send(handle.join()));
            }
        });
        match helper {
            Err(_) => Self::Own(handle),
            Ok(helper) => match give.send(handle) {
                Ok(()) => Self::Helped { result, helper },
                Err(returned) => Self::Own(returned.into_inner()),
            },
        }
    }

    fn wait(self, stop: Option<&Stop>, timeout: Duration) -> Result<thread::Result<T>, Unjoined<T>> {
        match self {
            Self::Helped { result, helper } => match receive(&result, stop, timeout) {
                Ok(joined) => {
                    // It has nothing left to do.
                    drop(helper.join());
                    Ok(joined)
                }
                Err(why) => Err(Unjoined { joining: Self::Helped { result, helper }, why }),
            },
            Self::Own(handle) => match poll(&handle, stop, timeout) {
                Ok(()) => Ok(handle.join()),
                Err(why) => Err(Unjoined { joining: Self::Own(handle), why }),
            },
        }
    }
}

/// The end of the thread wins over the stop, and the stop over the time.
fn receive<T>(result: &Receiver<T>, stop: Option<&Stop>, timeout: Duration) -> Result<T, WaitEnded> {
    let received = match stop {
        None => result.recv_timeout(timeout),
        Some(stop) => crossbeam_channel::select! {
            recv(result) -> joined => joined.map_err(|_| RecvTimeoutError::Disconnected),
            recv(stop.channel()) -> _ => Err(RecvTimeoutError::Timeout),
            default(timeout) => Err(RecvTimeoutError::Timeout),
        },
    };
    received.or_else(|_| result.try_recv()).map_err(|_| ended(stop))
}

fn poll<T>(handle: &JoinHandle<T>, stop: Option<&Stop>, timeout: Duration) -> Result<(), WaitEnded> {
    let until = clock::now().checked_add(timeout);
    loop {
        if handle.is_finished() {
            return Ok(());
        }
        let left = until.map_or(Duration::MAX, clock::until);
        if left.is_zero() || stop.is_some_and(Stop::is_stopping) {
            return Err(ended(stop));
        }
        thread::sleep(left.min(POLL_INTERVAL));
    }
}

fn ended(stop: Option<&Stop>) -> WaitEnded {
    if stop.is_some_and(Stop::is_stopping) { WaitEnded::Stopping } else { WaitEnded::TimedOut }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::runtime::stop::{Stage, Stops};

    const LONG: Duration = Duration::from_secs(10);

    fn token() -> (Arc<Stops>, Stop) {
        let stops = Stops::new();
        let stop = Stop::new(Arc::clone(&stops), Stage::Draining, Stage::Cancelling);
        (stops, stop)
    }

    /// A thread that ends when the sender is dropped.
    fn worker() -> (crossbeam_channel::Sender<()>, JoinHandle<u32>) {
        let (sender, receiver) = crossbeam_channel::bounded::<()>(0);
        let handle = thread::spawn(move || {
            let _ = receiver.recv();
            7
        });
        (sender, handle)
    }

    #[test]
    fn time_up_then_joined() {
        let (release, handle) = worker();
        let unjoined = join_timeout(handle, Duration::from_millis(1)).expect_err("still running");
        assert_eq!(unjoined.why(), WaitEnded::TimedOut);
        let unjoined = unjoined.join_timeout(Duration::ZERO).expect_err("still running");
        drop(release);
        assert_eq!(unjoined.join_timeout(LONG).expect("in time").expect("no panic"), 7);
    }

    #[test]
    fn the_stop_ends_the_wait_and_the_thread_can_still_be_joined() {
        let (stops, stop) = token();
        let (release, handle) = worker();
        thread::scope(|scope| {
            let waiting = scope.spawn(|| stop.join(handle, Duration::MAX));
            stops.raise(Stage::Draining, None);
            let unjoined = waiting.join().expect("no panic").expect_err("still running");
            assert_eq!(unjoined.why(), WaitEnded::Stopping);
            let unjoined = unjoined.join(&stop, LONG).expect_err("at once");
            drop(release);
            assert_eq!(unjoined.join_timeout(LONG).expect("in time").expect("no panic"), 7);
        });
    }

    #[test]
    fn an_ended_thread_is_joined_even_when_stopping() {
        let (stops, stop) = token();
        stops.raise(Stage::Draining, None);
        let handle = thread::spawn(|| 1);
        let until = clock::now() + LONG;
        while !handle.is_finished() {
            assert!(!clock::until(until).is_zero());
            thread::yield_now();
        }
        assert_eq!(stop.join(handle, Duration::ZERO).expect("ended").expect("no panic"), 1);
    }

    #[test]
    fn a_panic_is_handed_on() {
        let handle = thread::spawn(|| std::panic::resume_unwind(Box::new("a reason")));
        let panic = join_timeout::<()>(handle, LONG).expect("in time").expect_err("it panicked");
        assert_eq!(panic.downcast_ref(), Some(&"a reason"));
    }

    #[test]
    fn without_a_helper_it_looks_by_itself() {
        let (stops, stop) = token();
        let (release, handle) = worker();
        let unjoined = Joining::Own(handle).wait(Some(&stop), Duration::from_millis(1)).expect_err("still running");
        assert_eq!(unjoined.why(), WaitEnded::TimedOut);
        stops.raise(Stage::Draining, None);
        let unjoined = unjoined.join(&stop, LONG).expect_err("still running");
        assert_eq!(unjoined.why(), WaitEnded::Stopping);
        drop(release);
        assert_eq!(unjoined.join_timeout(LONG).expect("in time").expect("no panic"), 7);
    }
}
