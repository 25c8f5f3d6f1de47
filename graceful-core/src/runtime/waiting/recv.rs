//! Receiving from a channel until it is time to stop.

use std::fmt;
use std::sync::mpsc;
use std::time::Duration;

use crate::Stop;

/// How often a `std::sync::mpsc` channel looks whether it is time to stop.
const POLL_INTERVAL: Duration = Duration::from_millis(25);

/// Why [`Stop::recv`] returned without a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RecvError {
    /// Every sender is gone, and so is every message.
    Disconnected,
    /// It is time to stop, and the channel is empty.
    Stopping,
}

/// A receiver that [`Stop::recv`] can wait on: that of `crossbeam_channel` or that of `std::sync::mpsc`.
///
/// Sealed: no other type can implement it.
pub trait Receive: sealed::Wait {}

impl Stop {
    /// Receives a message, or tells that it is time to stop.
    ///
    /// A message that is already in the channel comes first, so that a consumer which receives until
    /// [`Stopping`](RecvError::Stopping) leaves an empty channel behind, even when it is told to stop in the middle of a
    /// backlog. That polite time is bounded: once the token is [cancelled](Stop::is_cancelled), `Stopping` comes first.
    /// No message is ever lost: what was not received is still in the channel.
    ///
    /// # Errors
    /// [`RecvError::Stopping`] and [`RecvError::Disconnected`].
    ///
    /// # Blocking
    /// Until a message comes, the last sender goes or the token fires.
    /// A `crossbeam_channel::Receiver` is woken by each of these.
    /// `std::sync::mpsc` offers no way to wait for two things, so its receiver is woken by messages, but looks for the stop
    /// only every 25 ms.
    ///
    /// # Examples
    /// ```
    /// # fn store(_: String) {}
    /// fn consume(orders: &crossbeam_channel::Receiver<String>, stop: &graceful_core::Stop) {
    ///     while let Ok(order) = stop.recv(orders) {
    ///         store(order);
    ///     }
    /// }
    /// ```
    pub fn recv<R: Receive>(&self, receiver: &R) -> Result<R::Message, RecvError> {
        loop {
            if self.is_cancelled() {
                return Err(RecvError::Stopping);
            }
            // Asked before the channel is: what was sent before the token fired is then always seen.
            let stopping = self.is_stopping();
            match receiver.now() {
                Ok(message) => return Ok(message),
                Err(Missing::Forever) => return Err(RecvError::Disconnected),
                Err(Missing::Yet) if stopping => return Err(RecvError::Stopping),
                Err(Missing::Yet) => {}
            }
            if let Some(message) = receiver.wait(self) {
                return Ok(message);
            }
        }
    }
}

impl fmt::Display for RecvError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Disconnected => "the channel is empty and all its senders are gone",
            Self::Stopping => "the service is stopping",
        })
    }
}

impl std::error::Error for RecvError {}

impl<T> Receive for crossbeam_channel::Receiver<T> {}

impl<T> Receive for mpsc::Receiver<T> {}

/// Why there is no message.
#[derive(Debug)]
pub enum Missing {
    /// None will come.
    Forever,
    /// One may come.
    Yet,
}

mod sealed {
    use super::{Missing, Stop};

    pub trait Wait {
        /// What the channel carries.
        type Message;

        /// The next message, if it is there.
        fn now(&self) -> Result<Self::Message, Missing>;

        /// Waits for a message, the end of the channel or the stop; may return early with nothing.
        fn wait(&self, stop: &Stop) -> Option<Self::Message>;
    }
}

impl<T> sealed::Wait for crossbeam_channel::Receiver<T> {
    type Message = T;

    fn now(&self) -> Result<T, Missing> {
        self.try_recv().map_err(|error| match error {
            crossbeam_channel::TryRecvError::Disconnected => Missing::Forever,
            crossbeam_channel::TryRecvError::Empty => Missing::Yet,
        })
    }

    fn wait(&self, stop: &Stop) -> Option<T> {
        crossbeam_channel::select! {
            recv(self) -> message => message.ok(),
            recv(stop.channel()) -> _ => None,
        }
    }
}

impl<T> sealed::Wait for mpsc::Receiver<T> {
    type Message = T;

    fn now(&self) -> Result<T, Missing> {
        self.try_recv().map_err(|error| match error {
            mpsc::TryRecvError::Disconnected => Missing::Forever,
            mpsc::TryRecvError::Empty => Missing::Yet,
        })
    }

    fn wait(&self, _stop: &Stop) -> Option<T> {
        self.recv_timeout(POLL_INTERVAL).ok()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::thread;

    use super::*;
    use crate::runtime::stop::{Stage, Stops};

    fn token() -> (Arc<Stops>, Stop) {
        let stops = Stops::new();
        let stop = Stop::new(Arc::clone(&stops), Stage::Draining, Stage::Cancelling);
        (stops, stop)
    }

    /// Runs the same steps on either kind of channel; `send` owns the only sender.
    fn check<R: Receive<Message = u32> + Send>(send: impl Fn(u32), receiver: R) {
        let (stops, stop) = token();
        send(1);
        assert_eq!(stop.recv(&receiver), Ok(1));
        let receiver = thread::scope(|scope| {
            // Woken by the stop, or told at once: which of the two threads is first does not matter.
            let waiting = scope.spawn(|| (stop.recv(&receiver), receiver));
            stops.raise(Stage::Draining, None);
            let (received, receiver) = waiting.join().expect("no panic");
            assert_eq!(received, Err(RecvError::Stopping));
            receiver
        });
        send(2);
        send(3);
        assert_eq!(stop.recv(&receiver), Ok(2), "the backlog comes before the stop");
        stops.raise(Stage::Cancelling, None);
        assert_eq!(stop.recv(&receiver), Err(RecvError::Stopping), "nothing comes before the cancellation");
        let (_stops, fresh) = token();
        assert_eq!(fresh.recv(&receiver), Ok(3), "what was not received is still there");
        drop(send);
        assert_eq!(fresh.recv(&receiver), Err(RecvError::Disconnected));
    }

    #[test]
    fn a_crossbeam_channel() {
        let (sender, receiver) = crossbeam_channel::unbounded();
        check(move |n| sender.send(n).expect("connected"), receiver);
    }

    #[test]
    fn a_std_channel() {
        let (sender, receiver) = mpsc::channel();
        check(move |n| sender.send(n).expect("connected"), receiver);
    }

    #[test]
    fn a_waiting_receiver_hears_of_messages_and_of_the_end() {
        let (_stops, stop) = token();
        let (sender, receiver) = crossbeam_channel::bounded(0);
        thread::scope(|scope| {
            let waiting = scope.spawn(|| (stop.recv(&receiver), stop.recv(&receiver)));
            // A channel without room: the send returns once the other side has received.
            sender.send(7).expect("connected");
            drop(sender);
            assert_eq!(waiting.join().expect("no panic"), (Ok(7), Err(RecvError::Disconnected)));
        });
    }
}
