//! Messages of a subject.

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

use ::async_nats::Message;
use crossbeam_channel::{Receiver, RecvTimeoutError};
use graceful_core::{RecvError, Stop};

use super::shared::{Feed, Shared};

/// The messages of a subject, as an iterator that blocks.
///
/// A message counts as handled when the next one is asked for, or when this is dropped: that is what
/// [`Nats::drain`](super::Nats::drain) waits for. 1024 messages wait here and 65536 more in the driver; what comes then is
/// dropped, logged and told by the drain: NATS knows no other way with a subscriber that is too slow.
///
/// Dropped, it leaves, and what has come is discarded.
pub struct Subscription {
    messages: Receiver<Message>,
    feed: Arc<Feed>,
    shared: Arc<Shared>,
    holding: Holding,
}

/// Whether the user is at a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Holding {
    Nothing,
    Message,
}

/// Messages that have been received and not taken.
pub(super) const CAPACITY: usize = 1024;

/// How long a server may take to say goodbye to [`Subscription::until`].
const GOODBYE: Duration = Duration::from_secs(1);

/// How often those who wait for two things look for the second.
const LOOK: Duration = Duration::from_millis(25);

impl Subscription {
    pub(super) fn new(messages: Receiver<Message>, feed: Arc<Feed>, shared: Arc<Shared>) -> Self {
        Self { messages, feed, shared, holding: Holding::Nothing }
    }

    /// Its subject.
    #[must_use]
    pub fn subject(&self) -> &str {
        &self.feed.subject
    }

    /// The next message; `None` when the subscription has ended.
    ///
    /// # Blocking
    /// Until then.
    pub fn recv(&mut self) -> Option<Message> {
        self.release();
        let message = self.messages.recv().ok();
        message.map(|message| self.take(message))
    }

    /// The next message, if it comes in time.
    ///
    /// # Errors
    /// `Timeout`, or `Disconnected` when the subscription has ended.
    ///
    /// # Blocking
    /// Up to the timeout.
    pub fn recv_timeout(&mut self, timeout: Duration) -> Result<Message, RecvTimeoutError> {
        self.release();
        let message = self.messages.recv_timeout(timeout)?;
        Ok(self.take(message))
    }

    /// The messages until it is time to stop, and then those that the server had sent by then.
    ///
    /// When the token fires the server is told to send nothing more; everything that it sent before it heard that is still
    /// given out. That takes a round trip, and at most 1 s when the server hangs. A token that is cancelled ends it at once.
    ///
    /// # Examples
    /// ```no_run
    /// use graceful::Stop;
    /// use graceful::nats::{Error, Nats};
    ///
    /// #[graceful::task]
    /// fn work(nats: &Nats, stop: &Stop) -> Result<(), Error> {
    ///     for message in nats.queue_subscribe("orders", "workers")?.until(stop) {
    ///         nats.publish("orders.done", message.payload)?;
    ///     }
    ///     Ok(())
    /// }
    /// ```
    pub fn until<'a>(&'a mut self, stop: &'a Stop) -> impl Iterator<Item = Message> + 'a {
        let mut goodbye = None;
        std::iter::from_fn(move || {
            self.release();
            if goodbye.is_none() {
                match stop.recv(&self.messages) {
                    Ok(message) => return Some(self.take(message)),
                    Err(RecvError::Disconnected) => return None,
                    Err(RecvError::Stopping) => self.leave(),
                }
            }
            // What has come is handed out however long that takes; the second is the server's.
            let until = *goodbye.get_or_insert_with(|| Instant::now() + GOODBYE);
            while !stop.is_cancelled() {
                match self.messages.recv_timeout(LOOK) {
                    Ok(message) => return Some(self.take(message)),
                    Err(RecvTimeoutError::Timeout) if Instant::now() < until => {}
                    Err(_) => break,
                }
            }
            None
        })
    }

    /// Has the server told to send nothing more. What it has sent by then can still be received, then comes the end.
    pub fn leave(&self) {
        self.feed.leave.notify_one();
    }

    fn take(&mut self, message: Message) -> Message {
        self.holding = Holding::Message;
        self.feed.room.notify_one();
        message
    }

    /// The user is through with the message that it had.
    fn release(&mut self) {
        if std::mem::replace(&mut self.holding, Holding::Nothing) == Holding::Message {
            self.feed.note_handled();
            self.shared.tell();
        }
    }
}

/// Every message until the subscription has ended.
impl Iterator for Subscription {
    type Item = Message;

    fn next(&mut self) -> Option<Message> {
        self.recv()
    }
}

impl Drop for Subscription {
    fn drop(&mut self) {
        self.release();
        let unread = self.feed.unread();
        if unread > 0 {
            let subject = self.feed.subject.as_str();
            log::warn!(target: "graceful", subject, unread; "nats subscription dropped with messages");
        }
        self.feed.note_dropped();
        self.feed.leave.notify_one();
        self.feed.room.notify_one();
        self.shared.tell();
    }
}

impl fmt::Debug for Subscription {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Subscription").field("subject", &self.feed.subject).finish_non_exhaustive()
    }
}
