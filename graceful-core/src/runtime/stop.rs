//! The token that tells a thread to come to an end.
//!
//! All tokens of a runtime share one [`Stops`]: a stage that only ever rises, and a condition variable. A [`Stop`] is a view
//! of it that fires when a certain stage is reached, so that a connection handler, a task and `main` each hear of the
//! shutdown when it concerns them.

use std::any::Any;
use std::convert::Infallible;
use std::fmt;
use std::io;
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, Sender};

use crate::clock;
use crate::sync::atomic::{AtomicU8, Ordering};
use crate::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use crate::threads;

/// How far the shutdown has come, for code that must react to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub(crate) enum Stage {
    /// Nobody has asked for a shutdown.
    Running,
    /// Asked for: not ready any more, still serving.
    Requested,
    /// Listeners stop, work in flight comes to an end.
    Draining,
    /// The drain's deadline is near: leave now or be cut.
    Cancelling,
    /// The drain is over; background tasks end.
    StoppingTasks,
    /// Tasks have had their time; hooks run.
    Cleaning,
    /// Nothing of the runtime is left.
    Ended,
}

const STAGES: usize = Stage::Ended as usize + 1;

/// Tells its holder when to stop, and lets it wait without missing that moment.
///
/// Cheap to clone, usable from any thread. Where it comes from decides when it fires:
///
/// | from | fires when |
/// |---|---|
/// | [`App::stop`](crate::App::stop) | a shutdown is requested (the lame duck begins) |
/// | [`Connection::stop`](crate::Connection::stop), [`Ticket::stop`](crate::Ticket::stop) | the drain begins |
/// | a task's `&Stop` | the drain is over |
///
/// The waiting helpers live on it: [`sleep`](Stop::sleep), [`recv`](Stop::recv), [`accept`](Stop::accept),
/// [`join`](Stop::join), [`child`](Stop::child).
#[derive(Clone)]
pub struct Stop {
    stops: Arc<Stops>,
    fires_at: Stage,
    cancels_at: Stage,
}

/// The wait ended early because the holder is told to stop.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stopping;

impl Stop {
    pub(crate) fn new(stops: Arc<Stops>, fires_at: Stage, cancels_at: Stage) -> Self {
        Self { stops, fires_at, cancels_at }
    }

    /// Whether it is time to stop. One atomic load.
    #[must_use]
    pub fn is_stopping(&self) -> bool {
        self.stops.stage() >= self.fires_at
    }

    /// Whether the time to stop politely is over: leave now, the connection is about to be cut or the thread abandoned.
    #[must_use]
    pub fn is_cancelled(&self) -> bool {
        self.stops.stage() >= self.cancels_at
    }

    /// Whether a shutdown has been requested at all, be it this holder's turn or not.
    #[must_use]
    pub fn is_requested(&self) -> bool {
        self.stops.stage() >= Stage::Requested
    }

    /// When the time to stop politely ends; `None` until it is this holder's turn.
    #[must_use]
    pub fn deadline(&self) -> Option<Instant> {
        if self.is_stopping() { self.stops.lock().deadlines[self.fires_at as usize] } else { None }
    }

    /// Waits until it is time to stop.
    ///
    /// # Blocking
    /// Until the token fires; every token fires before its runtime ends.
    pub fn wait(&self) {
        self.stops.wait_for(self.fires_at, None);
    }

    /// Waits until it is time to stop, or `timeout` has passed: `true` when it is time to stop.
    #[must_use]
    pub fn wait_timeout(&self, timeout: Duration) -> bool {
        self.stops.wait_for(self.fires_at, clock::now().checked_add(timeout))
    }

    /// Waits until the time to stop politely is over.
    ///
    /// # Blocking
    /// Until [`is_cancelled`](Stop::is_cancelled) holds.
    pub fn wait_cancelled(&self) {
        self.stops.wait_for(self.cancels_at, None);
    }

    /// Sleeps for `duration`, or less when it is time to stop.
    ///
    /// # Errors
    /// [`Stopping`] when the token fired first, at once if it had fired already.
    ///
    /// # Examples
    /// ```
    /// # fn poll_once() {}
    /// fn poll_loop(stop: &graceful_core::Stop) {
    ///     while stop.sleep(std::time::Duration::from_secs(5)).is_ok() {
    ///         poll_once();
    ///     }
    /// }
    /// ```
    pub fn sleep(&self, duration: Duration) -> Result<(), Stopping> {
        if self.wait_timeout(duration) { Err(Stopping) } else { Ok(()) }
    }

    /// A channel that disconnects when it is time to stop, for `crossbeam_channel::select!`. It never carries a message.
    #[must_use]
    pub fn channel(&self) -> Receiver<Infallible> {
        self.stops.channel(self.fires_at)
    }

    /// The token that fires when this one is [cancelled](Stop::is_cancelled): for event loops that want to be woken then too.
    #[must_use]
    pub fn cancellation(&self) -> Stop {
        Stop { stops: Arc::clone(&self.stops), fires_at: self.cancels_at, cancels_at: self.cancels_at }
    }

    /// Wakes a `mio::Poll` when it is time to stop: the way for an event loop of one's own to take part.
    ///
    /// After the wake-up, ask [`is_stopping`](Stop::is_stopping). See also [`source`](Stop::source).
    pub fn wake(&self, waker: Arc<mio::Waker>) {
        self.stops.register(self.fires_at, waker);
    }

    /// Runs `callback` once it is time to stop, on a thread of its own that waits from now on: for foreign servers that are
    /// stopped by a call (`server.unblock()`).
    ///
    /// # Errors
    /// The error of spawning that thread.
    ///
    /// # Blocking
    /// The callback may block; nothing waits for it.
    pub fn on_stop(&self, callback: impl FnOnce() + Send + 'static) -> io::Result<()> {
        let stop = self.clone();
        threads::spawn("gf-on-stop", move || {
            stop.wait();
            callback();
        })?;
        Ok(())
    }

    pub(crate) fn stops(&self) -> &Arc<Stops> {
        &self.stops
    }

    #[cfg(unix)]
    pub(crate) fn fires_at(&self) -> Stage {
        self.fires_at
    }
}

impl fmt::Debug for Stop {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Stop")
            .field("is_stopping", &self.is_stopping())
            .field("is_cancelled", &self.is_cancelled())
            .finish()
    }
}

impl fmt::Display for Stopping {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the service is stopping")
    }
}

impl std::error::Error for Stopping {}

/// What all tokens of one runtime look at. Only the coordinator raises the stage.
pub(crate) struct Stops {
    /// Mirrors `Shared::stage`, for reads without the lock.
    stage: AtomicU8,
    shared: Mutex<Shared>,
    raised: Condvar,
}

struct Shared {
    stage: Stage,
    deadlines: [Option<Instant>; STAGES],
    /// Kept after they have been woken: a waker that is dropped takes a wake-up that the poll has not seen with it.
    wakers: Vec<(Stage, Arc<mio::Waker>)>,
    /// Each a [`StopChannel`], which is not named here: who never asks for one does not link the channels.
    channels: [Option<Box<dyn Any + Send + Sync>>; STAGES],
    #[cfg(unix)]
    pipes: [Option<StopPipe>; STAGES],
}

/// A channel whose receiver disconnects when its sender is dropped.
struct StopChannel {
    receiver: Receiver<Infallible>,
    #[allow(dead_code, reason = "held only to be dropped")]
    sender: Sender<Infallible>,
}

/// A pipe whose read end becomes readable (end of file) when its write end is dropped.
#[cfg(unix)]
struct StopPipe {
    reader: Arc<io::PipeReader>,
    #[allow(dead_code, reason = "held only to be dropped")]
    writer: io::PipeWriter,
}

impl Stops {
    pub(crate) fn new() -> Arc<Self> {
        Arc::new(Self {
            stage: AtomicU8::new(Stage::Running as u8),
            shared: Mutex::new(Shared {
                stage: Stage::Running,
                deadlines: [None; STAGES],
                wakers: Vec::new(),
                channels: [const { None }; STAGES],
                #[cfg(unix)]
                pipes: [const { None }; STAGES],
            }),
            raised: Condvar::new(),
        })
    }

    pub(crate) fn stage(&self) -> Stage {
        match self.stage.load(Ordering::Acquire) {
            0 => Stage::Running,
            1 => Stage::Requested,
            2 => Stage::Draining,
            3 => Stage::Cancelling,
            4 => Stage::StoppingTasks,
            5 => Stage::Cleaning,
            _ => Stage::Ended,
        }
    }

    /// Raises the stage and tells everybody whose stage has come. A lower or equal stage changes nothing but the deadline.
    pub(crate) fn raise(&self, stage: Stage, deadline: Option<Instant>) {
        let mut shared = self.lock();
        if deadline.is_some() {
            shared.deadlines[stage as usize] = deadline;
        }
        if stage <= shared.stage {
            return;
        }
        shared.stage = stage;
        self.stage.store(stage as u8, Ordering::Release);
        let due: Vec<_> =
            shared.wakers.iter().filter(|(at, _)| *at <= stage).map(|(_, waker)| Arc::clone(waker)).collect();
        shared.channels[..=stage as usize].fill_with(|| None);
        #[cfg(unix)]
        shared.pipes[..=stage as usize].fill_with(|| None);
        drop(shared);
        self.raised.notify_all();
        for waker in due {
            wake(&waker);
        }
    }

    /// Waits for `stage`; `true` when it was reached before `until`.
    pub(crate) fn wait_for(&self, stage: Stage, until: Option<Instant>) -> bool {
        let mut shared = self.lock();
        loop {
            if shared.stage >= stage {
                return true;
            }
            shared = match until {
                None => self.raised.wait(shared).unwrap_or_else(PoisonError::into_inner),
                Some(until) => {
                    let left = clock::until(until);
                    if left.is_zero() {
                        return false;
                    }
                    self.raised.wait_timeout(shared, left).unwrap_or_else(PoisonError::into_inner).0
                }
            };
        }
    }

    /// The read end of a pipe that becomes readable at `stage`.
    #[cfg(unix)]
    pub(crate) fn pipe(&self, stage: Stage) -> io::Result<Arc<io::PipeReader>> {
        let mut shared = self.lock();
        if let Some(pipe) = &shared.pipes[stage as usize] {
            return Ok(Arc::clone(&pipe.reader));
        }
        let (reader, writer) = io::pipe()?;
        let reader = Arc::new(reader);
        if shared.stage < stage {
            shared.pipes[stage as usize] = Some(StopPipe { reader: Arc::clone(&reader), writer });
        }
        Ok(reader)
    }

    /// The receiver of a channel that disconnects at `stage`.
    pub(crate) fn channel(&self, stage: Stage) -> Receiver<Infallible> {
        let mut shared = self.lock();
        let known = shared.channels[stage as usize].as_ref().and_then(|known| known.downcast_ref::<StopChannel>());
        if let Some(channel) = known {
            return channel.receiver.clone();
        }
        let (sender, receiver) = crossbeam_channel::bounded(0);
        if shared.stage < stage {
            shared.channels[stage as usize] = Some(Box::new(StopChannel { receiver: receiver.clone(), sender }));
        }
        receiver
    }

    pub(crate) fn register(&self, stage: Stage, waker: Arc<mio::Waker>) {
        let mut shared = self.lock();
        let due = shared.stage >= stage;
        shared.wakers.push((stage, Arc::clone(&waker)));
        drop(shared);
        if due {
            wake(&waker);
        }
    }

    fn lock(&self) -> MutexGuard<'_, Shared> {
        // A panic while the lock is held is impossible short of allocation failure; the state stays whole.
        self.shared.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn wake(waker: &mio::Waker) {
    // The poll that this waker belonged to may be gone; then nobody is left to be woken.
    drop(waker.wake());
}

#[cfg(test)]
mod tests {
    use std::thread;

    use super::*;

    fn token(stops: &Arc<Stops>, at: Stage) -> Stop {
        Stop::new(Arc::clone(stops), at, Stage::Ended)
    }

    #[test]
    fn fires_at_its_own_stage_only() {
        let stops = Stops::new();
        let early = token(&stops, Stage::Requested);
        let late = token(&stops, Stage::StoppingTasks);
        stops.raise(Stage::Draining, None);
        assert!(early.is_stopping());
        assert!(!late.is_stopping() && late.is_requested());
        stops.raise(Stage::Ended, None);
        assert!(late.is_stopping() && late.is_cancelled());
    }

    #[test]
    fn a_stage_never_falls() {
        let stops = Stops::new();
        stops.raise(Stage::Cleaning, None);
        stops.raise(Stage::Requested, None);
        assert_eq!(stops.stage(), Stage::Cleaning);
    }

    #[test]
    fn channel_disconnects_and_late_registration_fires_at_once() {
        let stops = Stops::new();
        let stop = token(&stops, Stage::Draining);
        let before = stop.channel();
        assert_eq!(before.try_recv(), Err(crossbeam_channel::TryRecvError::Empty));
        stops.raise(Stage::Draining, None);
        assert_eq!(before.recv(), Err(crossbeam_channel::RecvError));
        assert_eq!(stop.channel().recv(), Err(crossbeam_channel::RecvError));
    }

    #[test]
    fn a_waker_is_heard_even_if_nobody_else_keeps_it() {
        let stops = Stops::new();
        for early in [true, false] {
            let mut poll = mio::Poll::new().expect("descriptors");
            let waker = Arc::new(mio::Waker::new(poll.registry(), mio::Token(1)).expect("descriptors"));
            let stop = token(&stops, if early { Stage::Requested } else { Stage::Running });
            stop.wake(waker);
            stops.raise(Stage::Requested, None);
            let mut events = mio::Events::with_capacity(1);
            poll.poll(&mut events, Some(Duration::from_secs(10))).expect("not interrupted");
            assert!(!events.is_empty(), "early: {early}");
        }
    }

    #[test]
    fn the_cancellation_fires_later() {
        let stops = Stops::new();
        let stop = Stop::new(Arc::clone(&stops), Stage::Draining, Stage::Cancelling);
        let cancellation = stop.cancellation();
        stops.raise(Stage::Draining, None);
        assert!(stop.is_stopping() && !cancellation.is_stopping());
        stops.raise(Stage::Cancelling, None);
        assert!(stop.is_cancelled() && cancellation.is_stopping());
    }

    #[test]
    fn sleep_ends_early() {
        let stops = Stops::new();
        let stop = token(&stops, Stage::Requested);
        assert_eq!(stop.sleep(Duration::from_millis(1)), Ok(()));
        thread::scope(|scope| {
            let sleeper = scope.spawn(|| stop.sleep(Duration::from_secs(3600)));
            stops.raise(Stage::Requested, None);
            assert_eq!(sleeper.join().expect("no panic"), Err(Stopping));
        });
    }
}

#[cfg(all(test, graceful_shuttle))]
mod schedules {
    use super::*;
    use crate::sync::explore;

    /// A waiter is woken however its wait and the raise interleave, and the stage it sees is never below its own.
    #[test]
    fn shuttle_no_wake_up_is_lost() {
        explore(|| {
            let stops = Stops::new();
            let waiters: Vec<_> = [Stage::Requested, Stage::Draining, Stage::StoppingTasks]
                .into_iter()
                .map(|at| {
                    let stop = Stop::new(Arc::clone(&stops), at, Stage::Ended);
                    ::shuttle::thread::spawn(move || {
                        stop.wait();
                        assert!(stop.is_stopping());
                    })
                })
                .collect();
            stops.raise(Stage::Requested, None);
            stops.raise(Stage::Draining, None);
            stops.raise(Stage::Ended, None);
            for waiter in waiters {
                waiter.join().expect("no panic");
            }
        });
    }
}
