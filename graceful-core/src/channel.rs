//! Queues between our own threads.
//!
//! What goes through them are hooks, facts and events of the lifecycle: dozens, not millions. So they are a list of boxes under
//! a lock, and one queue in the binary for all kinds of messages: `crossbeam_channel` is ten times that for each. Users are
//! given that one.

use std::any::Any;
use std::collections::VecDeque;
use std::marker::PhantomData;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::clock;
use crate::sync::lock;

/// A queue without a bound, for any number of senders and receivers.
pub(crate) fn channel<T: Send + 'static>() -> (Sender<T>, Receiver<T>) {
    let shared = Shared::new();
    let sender = Sender { end: SenderEnd(Arc::clone(&shared)), of: PhantomData };
    (sender, Receiver { end: ReceiverEnd(shared), of: PhantomData })
}

pub(crate) struct Sender<T> {
    end: SenderEnd,
    of: PhantomData<fn(T)>,
}

pub(crate) struct Receiver<T> {
    end: ReceiverEnd,
    of: PhantomData<fn() -> T>,
}

/// Why nothing was received.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Missing {
    /// All senders are gone, and all that they sent is received.
    Disconnected,
    /// Nothing has come in time.
    Timeout,
}

/// All that is counted among the senders.
struct SenderEnd(Arc<Shared>);

/// All that is counted among the receivers.
struct ReceiverEnd(Arc<Shared>);

/// Of the kind that both ends agree on.
type Message = Box<dyn Any + Send>;

struct Shared {
    state: Mutex<State>,
    changed: Condvar,
}

struct State {
    queue: VecDeque<Message>,
    senders: usize,
    receivers: usize,
    /// Receivers that wait: a wake-up that nobody waits for costs a system call all the same.
    asleep: usize,
}

impl<T: Send + 'static> Sender<T> {
    /// Never blocks. `false` when no receiver is left; the message is dropped then.
    pub(crate) fn send(&self, message: T) -> bool {
        self.end.0.send(Box::new(message))
    }
}

impl<T: 'static> Receiver<T> {
    pub(crate) fn try_recv(&self) -> Option<T> {
        let message = self.end.0.lock().queue.pop_front();
        message.and_then(opened)
    }

    /// Waits for a message; `None` when no sender is left.
    pub(crate) fn recv(&self) -> Option<T> {
        self.end.0.recv_until(None).ok().and_then(opened)
    }

    pub(crate) fn recv_timeout(&self, timeout: Duration) -> Result<T, Missing> {
        let message = self.end.0.recv_until(clock::now().checked_add(timeout))?;
        opened(message).ok_or(Missing::Disconnected)
    }
}

/// Invariant: only what is a `T` was sent, so there always is one.
fn opened<T: 'static>(message: Message) -> Option<T> {
    message.downcast().ok().map(|message| *message)
}

impl Shared {
    #[inline(never)]
    fn new() -> Arc<Self> {
        let state = State { queue: VecDeque::new(), senders: 1, receivers: 1, asleep: 0 };
        Arc::new(Self { state: Mutex::new(state), changed: Condvar::new() })
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // Nothing panics under the lock.
        lock(&self.state)
    }

    #[inline(never)]
    fn send(&self, message: Message) -> bool {
        let mut state = self.lock();
        if state.receivers == 0 {
            // The message may own anything: it is dropped once the lock is free.
            drop(state);
            return false;
        }
        state.queue.push_back(message);
        let wanted = state.asleep > 0;
        drop(state);
        if wanted {
            self.changed.notify_one();
        }
        true
    }

    #[inline(never)]
    fn recv_until(&self, until: Option<Instant>) -> Result<Message, Missing> {
        let mut state = self.lock();
        loop {
            if let Some(message) = state.queue.pop_front() {
                return Ok(message);
            }
            if state.senders == 0 {
                return Err(Missing::Disconnected);
            }
            let left = until.map_or(Duration::MAX, clock::until);
            if left.is_zero() {
                return Err(Missing::Timeout);
            }
            state.asleep += 1;
            state = self.changed.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0;
            state.asleep -= 1;
        }
    }
}

impl<T> Clone for Sender<T> {
    fn clone(&self) -> Self {
        Self { end: self.end.clone(), of: PhantomData }
    }
}

impl<T> Clone for Receiver<T> {
    fn clone(&self) -> Self {
        Self { end: self.end.clone(), of: PhantomData }
    }
}

impl Clone for SenderEnd {
    #[inline(never)]
    fn clone(&self) -> Self {
        self.0.lock().senders += 1;
        Self(Arc::clone(&self.0))
    }
}

impl Clone for ReceiverEnd {
    #[inline(never)]
    fn clone(&self) -> Self {
        self.0.lock().receivers += 1;
        Self(Arc::clone(&self.0))
    }
}

impl Drop for SenderEnd {
    #[inline(never)]
    fn drop(&mut self) {
        let mut state = self.0.lock();
        state.senders -= 1;
        let last = state.senders == 0;
        drop(state);
        if last {
            self.0.changed.notify_all();
        }
    }
}

impl Drop for ReceiverEnd {
    #[inline(never)]
    fn drop(&mut self) {
        let mut state = self.0.lock();
        state.receivers -= 1;
        if state.receivers == 0 {
            // Nobody will receive them, and what they own may be waited for. Not under the lock: they may own a sender.
            let unreceived = std::mem::take(&mut state.queue);
            drop(state);
            drop(unreceived);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;
    use std::thread;

    use super::*;

    #[test]
    fn in_order_and_to_the_end() {
        let (sender, receiver) = channel();
        let more = sender.clone();
        assert!(sender.send(1) && more.send(2));
        drop((sender, more));
        assert_eq!((receiver.recv(), receiver.recv(), receiver.recv()), (Some(1), Some(2), None));
        assert_eq!(receiver.try_recv(), None);
    }

    #[test]
    fn a_timeout_is_not_an_end() {
        let (sender, receiver) = channel::<Infallible>();
        assert_eq!(receiver.recv_timeout(Duration::from_millis(1)), Err(Missing::Timeout));
        let waiting = thread::spawn(move || receiver.recv_timeout(Duration::from_secs(60)));
        drop(sender);
        assert_eq!(waiting.join().expect("no panic"), Err(Missing::Disconnected));
    }

    #[test]
    fn what_nobody_receives_is_dropped() {
        let (sender, receiver) = channel();
        let (owned, weak) = {
            let owned = Arc::new(());
            (Arc::clone(&owned), Arc::downgrade(&owned))
        };
        assert!(sender.send(owned));
        drop(receiver.clone());
        assert!(weak.upgrade().is_some());
        drop(receiver);
        assert!(weak.upgrade().is_none());
        assert!(!sender.send(Arc::new(())));
    }

    #[test]
    fn every_message_reaches_one_of_many() {
        let (sender, receiver) = channel();
        let receivers: Vec<_> = (0..4)
            .map(|_| {
                let receiver = receiver.clone();
                thread::spawn(move || std::iter::from_fn(|| receiver.recv()).sum::<u64>())
            })
            .collect();
        let senders: Vec<_> = (0..4)
            .map(|_| {
                let sender = sender.clone();
                thread::spawn(move || (1..=1000).for_each(|n| assert!(sender.send(n))))
            })
            .collect();
        drop(sender);
        for sender in senders {
            sender.join().expect("no panic");
        }
        let sum: u64 = receivers.into_iter().map(|receiver| receiver.join().expect("no panic")).sum();
        assert_eq!(sum, 4 * 500_500);
    }
}
