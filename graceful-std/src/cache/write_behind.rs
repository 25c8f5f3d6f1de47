//! A queue whose items a thread of its own writes.

use std::collections::VecDeque;
use std::error::Error;
use std::fmt;
use std::io;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use graceful_core::__private::catch_panic;
use graceful_core::{BoxError, Deadline};

/// A bounded queue whose items are written by a thread of its own, many at a time. Cheap to clone.
///
/// What fails is tried again, so writing an item twice must do no harm. Nothing is dropped silently: what could not be written
/// until the deadline of [`close`](WriteBehind::close) is counted, and named in the report as that hook's error.
pub struct WriteBehind<T> {
    shared: Arc<Shared<T>>,
}

struct Shared<T> {
    name: String,
    capacity: usize,
    state: Mutex<State<T>>,
    /// Something was added, written, or told.
    news: Condvar,
    thread: Mutex<Option<JoinHandle<()>>>,
}

struct State<T> {
    waiting: VecDeque<T>,
    /// Taken out of `waiting` to be written.
    writing: usize,
    /// Nothing is added any more.
    closed: Closed,
    error: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Closed {
    No,
    /// The thread ends when everything is written.
    Gently,
    /// It ends after the write that it is at.
    Now,
}

/// Why an item was not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum PushError<T> {
    /// The queue is closed.
    Closed(T),
    /// There is no room.
    Full(T),
}

/// What was not written in time.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Unwritten {
    /// The queue's name.
    pub name: String,
    /// How many items.
    pub left: usize,
    /// The last error, if there was one.
    pub error: Option<String>,
}

/// As many are written at a time.
const BATCH: usize = 256;

/// Between two attempts, doubled with each failure.
const FIRST_PAUSE: Duration = Duration::from_millis(20);
const LONGEST_PAUSE: Duration = Duration::from_secs(1);

impl<T: Send + 'static> WriteBehind<T> {
    /// An empty queue for so many items. `write` gets up to 256 of them at a time, in the order in which they were added, and
    /// gets the same ones again when it fails or panics.
    ///
    /// # Errors
    /// When the thread cannot be started.
    pub fn new(
        name: impl Into<String>,
        capacity: usize,
        write: impl FnMut(&[T]) -> Result<(), BoxError> + Send + 'static,
    ) -> io::Result<Self> {
        let state = State { waiting: VecDeque::new(), writing: 0, closed: Closed::No, error: None };
        let shared = Arc::new(Shared {
            name: name.into(),
            capacity: capacity.max(1),
            state: Mutex::new(state),
            news: Condvar::new(),
            thread: Mutex::default(),
        });
        let theirs = Arc::clone(&shared);
        let thread = thread::Builder::new().name("gf-write-behind".into()).spawn(move || work(&theirs, write))?;
        *shared.thread() = Some(thread);
        Ok(Self { shared })
    }

    /// Adds an item; waits for room when there is none.
    ///
    /// # Errors
    /// [`PushError::Closed`] gives the item back.
    ///
    /// # Blocking
    /// While the queue is full.
    pub fn push(&self, item: T) -> Result<(), PushError<T>> {
        let mut state = self.shared.state();
        while state.closed == Closed::No && state.is_full(self.shared.capacity) {
            state = self.shared.wait(state, None);
        }
        self.shared.add(state, item)
    }

    /// Adds an item if there is room for it.
    ///
    /// # Errors
    /// Both kinds of [`PushError`] give the item back.
    pub fn try_push(&self, item: T) -> Result<(), PushError<T>> {
        let state = self.shared.state();
        if state.closed == Closed::No && state.is_full(self.shared.capacity) {
            return Err(PushError::Full(item));
        }
        self.shared.add(state, item)
    }

    /// How many items are not written yet.
    #[must_use]
    pub fn len(&self) -> usize {
        self.shared.state().left()
    }

    /// Whether everything is written.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Waits until everything is written that was added before.
    ///
    /// # Errors
    /// [`Unwritten`] at the deadline; the queue goes on with it.
    ///
    /// # Blocking
    /// Until then.
    pub fn flush(&self, deadline: Deadline) -> Result<(), Unwritten> {
        self.shared.wait_for_all(deadline.instant())
    }

    /// Takes in nothing more, writes everything, and ends the thread. Once it is closed, this tells again how it ended.
    ///
    /// # Errors
    /// [`Unwritten`] at the deadline. A thread that hangs in its write is left behind.
    ///
    /// # Blocking
    /// Until then.
    pub fn close(&self, deadline: Deadline) -> Result<(), Unwritten> {
        self.shared.tell(Closed::Gently);
        let result = self.shared.wait_for_all(deadline.instant());
        self.shared.tell(Closed::Now);
        let thread = self.shared.thread().take_if(|_| result.is_ok());
        if let Some(thread) = thread {
            // It catches what `write` panics with.
            drop(thread.join());
        }
        result
    }
}

impl<T> Shared<T> {
    fn state(&self) -> MutexGuard<'_, State<T>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn thread(&self) -> MutexGuard<'_, Option<JoinHandle<()>>> {
        self.thread.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn add(&self, mut state: MutexGuard<'_, State<T>>, item: T) -> Result<(), PushError<T>> {
        if state.closed != Closed::No {
            return Err(PushError::Closed(item));
        }
        state.waiting.push_back(item);
        drop(state);
        self.news.notify_all();
        Ok(())
    }

    fn tell(&self, closed: Closed) {
        let mut state = self.state();
        state.closed = state.closed.max(closed);
        drop(state);
        self.news.notify_all();
    }

    fn wait<'a>(&self, state: MutexGuard<'a, State<T>>, until: Option<Instant>) -> MutexGuard<'a, State<T>> {
        match until {
            None => self.news.wait(state).unwrap_or_else(PoisonError::into_inner),
            Some(until) => {
                let left = until.saturating_duration_since(Instant::now());
                self.news.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0
            }
        }
    }

    fn wait_for_all(&self, until: Instant) -> Result<(), Unwritten> {
        let mut state = self.state();
        while state.left() > 0 {
            if Instant::now() >= until || state.closed == Closed::Now {
                return Err(Unwritten { name: self.name.clone(), left: state.left(), error: state.error.clone() });
            }
            state = self.wait(state, Some(until));
        }
        Ok(())
    }
}

impl<T> State<T> {
    fn left(&self) -> usize {
        self.waiting.len() + self.writing
    }

    fn is_full(&self, capacity: usize) -> bool {
        self.left() >= capacity
    }
}

/// The life of the thread.
fn work<T>(shared: &Shared<T>, mut write: impl FnMut(&[T]) -> Result<(), BoxError>) {
    let mut batch = Vec::new();
    let mut pause = FIRST_PAUSE;
    loop {
        {
            let mut state = shared.state();
            while state.waiting.is_empty() && batch.is_empty() && state.closed == Closed::No {
                state = shared.wait(state, None);
            }
            if state.closed == Closed::Now || (state.waiting.is_empty() && batch.is_empty()) {
                return;
            }
            if batch.is_empty() {
                let count = state.waiting.len().min(BATCH);
                batch.extend(state.waiting.drain(..count));
                state.writing = count;
            }
        }
        // The error's text and its end are the user's as well.
        let written = catch_panic(|| write(&batch).map_err(|error| error.to_string()));
        let mut state = shared.state();
        match written.unwrap_or_else(|panic| Err(format!("the write panicked: {panic}"))) {
            Ok(()) => {
                state.writing = 0;
                state.error = None;
                drop(state);
                shared.news.notify_all();
                batch.clear();
                pause = FIRST_PAUSE;
            }
            Err(error) => {
                log::warn!(target: "graceful", queue = shared.name.as_str(), error = error.as_str(), items = batch.len(); "write failed");
                state.error = Some(error);
                // New items do not make it try earlier; the end does.
                let until = Instant::now() + pause;
                let before = state.closed;
                while state.closed == before && Instant::now() < until {
                    state = shared.wait(state, Some(until));
                }
                pause = (pause * 2).min(LONGEST_PAUSE);
            }
        }
    }
}

impl<T> Clone for WriteBehind<T> {
    fn clone(&self) -> Self {
        Self { shared: Arc::clone(&self.shared) }
    }
}

/// The last one closes the queue; the thread goes on until everything is written, but nobody waits for it any more.
impl<T> Drop for WriteBehind<T> {
    fn drop(&mut self) {
        // The thread has one, too.
        if Arc::strong_count(&self.shared) <= 2 {
            self.shared.tell(Closed::Gently);
        }
    }
}

impl<T> fmt::Debug for WriteBehind<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WriteBehind").field("name", &self.shared.name).finish_non_exhaustive()
    }
}

impl fmt::Display for Unwritten {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {} items were not written in time", self.name, self.left)?;
        self.error.iter().try_for_each(|error| write!(f, "; last error: {error}"))
    }
}

impl Error for Unwritten {}

impl<T> fmt::Display for PushError<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Closed(_) => "the queue is closed",
            Self::Full(_) => "the queue is full",
        })
    }
}

impl<T: fmt::Debug> Error for PushError<T> {}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::*;

    const SOON: Duration = Duration::from_secs(20);

    #[test]
    fn everything_is_written_in_order() {
        let (written, seen) = mpsc::channel();
        let queue = WriteBehind::new("orders", 100, move |items: &[u32]| {
            items.iter().try_for_each(|item| written.send(*item))?;
            Ok(())
        })
        .expect("a thread");
        for number in 0..1000 {
            queue.push(number).expect("open");
        }
        queue.flush(Deadline::after(SOON)).expect("written");
        assert!(queue.is_empty());
        queue.push(1000).expect("open");
        queue.close(Deadline::after(SOON)).expect("written");
        assert_eq!(queue.push(7), Err(PushError::Closed(7)));
        assert_eq!(queue.close(Deadline::after(SOON)), Ok(()));
        assert!(seen.iter().eq(0..=1000));
    }

    #[test]
    fn what_fails_or_panics_is_tried_again() {
        let (written, seen) = mpsc::channel();
        let mut attempt = 0;
        let queue = WriteBehind::new("orders", 10, move |items: &[u32]| {
            attempt += 1;
            match attempt {
                1 => Err("disk full".into()),
                2 => panic!("as it was told"),
                _ => Ok(written.send(items.to_vec())?),
            }
        })
        .expect("a thread");
        queue.push(1).expect("open");
        queue.close(Deadline::after(SOON)).expect("written");
        assert_eq!(seen.recv(), Ok(vec![1]));
    }

    #[test]
    fn what_cannot_be_written_is_told() {
        let queue = WriteBehind::new("orders", 3, |_: &[u32]| Err("disk full".into())).expect("a thread");
        (0..3).for_each(|number| queue.push(number).expect("room"));
        assert_eq!(queue.try_push(9), Err(PushError::Full(9)));
        let left = queue.close(Deadline::after(Duration::from_millis(100))).expect_err("it fails each time");
        assert_eq!(left.to_string(), "orders: 3 items were not written in time; last error: disk full");
        assert_eq!(queue.try_push(9), Err(PushError::Closed(9)));
    }

    #[test]
    fn a_write_that_hangs_is_left_behind() {
        let (entered, at_it) = mpsc::channel();
        let (open, gate) = mpsc::channel::<()>();
        let queue = WriteBehind::new("orders", 3, move |_: &[u32]| {
            entered.send(())?;
            // Until the test is over.
            let _ = gate.recv();
            Ok(())
        })
        .expect("a thread");
        queue.push(1).expect("room");
        at_it.recv().expect("it writes");
        assert_eq!(queue.close(Deadline::after(Duration::from_millis(50))).expect_err("it hangs").left, 1);
        drop(open);
    }

    #[test]
    fn who_waits_for_room_is_told_of_the_end() {
        let (open, gate) = mpsc::channel::<()>();
        let hang = move |_: &[u32]| {
            // Until the test is over.
            let _ = gate.recv();
            Ok(())
        };
        let queue = WriteBehind::new("orders", 1, hang).expect("a thread");
        queue.push(1).expect("room");
        let (waiting, theirs) = (
            thread::spawn({
                let queue = queue.clone();
                move || queue.push(2)
            }),
            queue.clone(),
        );
        assert!(theirs.close(Deadline::after(Duration::from_millis(50))).is_err());
        assert_eq!(waiting.join().expect("no panic"), Err(PushError::Closed(2)));
        drop(open);
    }
}
