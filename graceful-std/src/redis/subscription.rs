//! Messages that are published.

use std::fmt;
use std::io;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use ::redis::{Msg, RedisResult, Value};
use crossbeam_channel::{Receiver, RecvTimeoutError, SendTimeoutError, Sender};
use graceful_core::{Deadline, RecvError, Stop, join_timeout};

use super::connection::is_error;
use super::counters::Counters;
use super::manager::CONNECT_TIMEOUT;
use super::socket::Socket;
use super::{Connection, Manager};

/// Messages of some channels, received by a thread of its own (`gf-redis-sub`) over a connection of its own.
///
/// A connection that breaks is opened again and subscribes again; that is logged, and what was published meanwhile is lost:
/// Redis keeps nothing for subscribers. While 1024 messages wait here nothing more is read, and Redis gives a subscriber up
/// that is too far behind (`client-output-buffer-limit`).
///
/// Dropped, it ends its thread without waiting for it.
pub struct Subscription {
    messages: Receiver<Msg>,
    feed: Arc<Feed>,
}

/// What a subscription, its thread and its [`Redis`](super::Redis) share.
pub(super) struct Feed {
    channels: Vec<String>,
    kind: Kind,
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Channels,
    Patterns,
}

struct State {
    leaving: Leaving,
    /// Of the connection that is open.
    socket: Option<Socket>,
    thread: Option<JoinHandle<()>>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Leaving {
    No,
    /// The server is asked to send nothing more; what it has sent is still received.
    Politely,
    Now,
}

/// Messages that have been received and not taken.
const CAPACITY: usize = 1024;

/// Between two attempts to connect, doubled each time.
const FIRST_PAUSE: Duration = Duration::from_millis(50);
const LONGEST_PAUSE: Duration = Duration::from_secs(2);

/// How long a server may take to say goodbye to [`Subscription::until`].
const GOODBYE: Duration = Duration::from_secs(1);

/// How often those who wait for two things look for the second.
const LOOK: Duration = Duration::from_millis(25);

impl Subscription {
    /// Subscribes, and returns when the server has confirmed it.
    pub(super) fn open(manager: Manager, channels: Vec<String>, kind: Kind) -> Result<(Self, Arc<Feed>), super::Error> {
        let state = Mutex::new(State { leaving: Leaving::No, socket: None, thread: None });
        let feed = Arc::new(Feed { channels, kind, state, changed: Condvar::new() });
        let connection = feed.connect(&manager)?;
        let (sender, messages) = crossbeam_channel::bounded(CAPACITY);
        let theirs = Arc::clone(&feed);
        let thread = thread::Builder::new()
            .name("gf-redis-sub".into())
            .spawn(move || theirs.receive(connection, &manager, &sender))
            .map_err(super::Error::Thread)?;
        feed.state().thread = Some(thread);
        Ok((Self { messages, feed: Arc::clone(&feed) }, feed))
    }

    /// The next message; `None` when the subscription has ended.
    ///
    /// # Blocking
    /// Until then.
    #[must_use]
    pub fn recv(&self) -> Option<Msg> {
        self.messages.recv().ok()
    }

    /// The next message, if it comes in time.
    ///
    /// # Errors
    /// `Timeout`, or `Disconnected` when the subscription has ended.
    ///
    /// # Blocking
    /// Up to the timeout.
    pub fn recv_timeout(&self, timeout: Duration) -> Result<Msg, RecvTimeoutError> {
        self.messages.recv_timeout(timeout)
    }

    /// The messages until it is time to stop, and then those that the server had sent by then.
    ///
    /// When the token fires the server is told to send nothing more; everything that it sent before it heard that is still
    /// given out. That takes a round trip, and at most 1 s when the server hangs. A token that is cancelled ends it at once.
    ///
    /// # Examples
    /// ```no_run
    /// use graceful::Stop;
    /// use graceful::redis::{Error, Redis};
    ///
    /// #[graceful::task]
    /// fn feed(redis: &Redis, stop: &Stop) -> Result<(), Error> {
    ///     for message in redis.subscribe(["orders"])?.until(stop) {
    ///         println!("{}", String::from_utf8_lossy(message.get_payload_bytes()));
    ///     }
    ///     Ok(())
    /// }
    /// ```
    pub fn until<'a>(&'a self, stop: &'a Stop) -> impl Iterator<Item = Msg> + 'a {
        let mut goodbye = None;
        std::iter::from_fn(move || {
            if goodbye.is_none() {
                match stop.recv(&self.messages) {
                    Ok(message) => return Some(message),
                    Err(RecvError::Disconnected) => return None,
                    Err(RecvError::Stopping) => self.leave(),
                }
            }
            let until = *goodbye.get_or_insert_with(|| Instant::now() + GOODBYE);
            while !stop.is_cancelled() {
                match self.messages.recv_timeout(LOOK) {
                    Ok(message) => return Some(message),
                    Err(RecvTimeoutError::Timeout) if Instant::now() < until => {}
                    Err(_) => break,
                }
            }
            None
        })
    }

    /// Has the server told to send nothing more. What it has sent by then can still be received, then comes the end.
    pub fn leave(&self) {
        self.feed.leave();
    }
}

/// Every message until the subscription has ended.
impl<'a> IntoIterator for &'a Subscription {
    type Item = Msg;
    type IntoIter = crossbeam_channel::Iter<'a, Msg>;

    fn into_iter(self) -> Self::IntoIter {
        self.messages.iter()
    }
}

impl Drop for Subscription {
    fn drop(&mut self) {
        self.feed.cut();
    }
}

impl fmt::Debug for Subscription {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Subscription").field("channels", &self.feed.channels).finish_non_exhaustive()
    }
}

impl Feed {
    /// Its channels, for messages.
    pub(super) fn name(&self) -> String {
        self.channels.join(", ")
    }

    pub(super) fn has_ended(&self) -> bool {
        self.state().thread.as_ref().is_none_or(JoinHandle::is_finished)
    }

    pub(super) fn leave(&self) {
        let mut state = self.state();
        if state.leaving >= Leaving::Politely {
            return;
        }
        state.leaving = Leaving::Politely;
        let mut goodbye = ::redis::cmd("UNSUBSCRIBE").get_packed_command();
        goodbye.extend(::redis::cmd("PUNSUBSCRIBE").get_packed_command());
        // Some sixty bytes after a first command that long ago was taken: there is room for them. Where it fails, the
        // connection is broken, and the thread knows.
        if let Some(socket) = &mut state.socket {
            drop(io::Write::write_all(socket, &goodbye));
        }
        drop(state);
        self.changed.notify_all();
    }

    /// Ends it now, whatever the server has sent.
    pub(super) fn cut(&self) {
        let mut state = self.state();
        state.leaving = Leaving::Now;
        if let Some(socket) = &state.socket {
            // One that is closed already needs no closing.
            drop(socket.shutdown());
        }
        drop(state);
        self.changed.notify_all();
    }

    /// Joins the thread, if it ends in time.
    pub(super) fn join(&self, timeout: Duration) -> Result<(), ()> {
        let Some(thread) = self.state().thread.take() else { return Ok(()) };
        match join_timeout(thread, timeout) {
            Ok(_) => Ok(()),
            Err(_) => Err(()),
        }
    }

    /// A connection that has subscribed; its socket is where `leave` and `cut` find it.
    fn connect(&self, manager: &Manager) -> RedisResult<Connection> {
        let mut connection = manager.connect_within(CONNECT_TIMEOUT)?;
        let verb = match self.kind {
            Kind::Channels => "SUBSCRIBE",
            Kind::Patterns => "PSUBSCRIBE",
        };
        connection.set_timeout(Some(CONNECT_TIMEOUT))?;
        connection.write(&::redis::cmd(verb).arg(&self.channels).get_packed_command())?;
        for _ in &self.channels {
            if let answer @ Value::ServerError(_) = connection.read()? {
                answer.extract_error()?;
            }
        }
        connection.set_timeout(None)?;
        let socket = connection.socket().try_clone()?;
        let mut state = self.state();
        if state.leaving != Leaving::No {
            let why = io::Error::new(io::ErrorKind::ConnectionAborted, "the subscription has ended");
            return Err(why.into());
        }
        state.socket = Some(socket);
        Ok(connection)
    }

    /// The life of the thread.
    fn receive(&self, mut connection: Connection, manager: &Manager, sender: &Sender<Msg>) {
        loop {
            let error = match self.pass_on(&mut connection, manager, sender) {
                Ok(()) => return,
                Err(error) => error,
            };
            self.state().socket = None;
            if self.leaving() != Leaving::No {
                return;
            }
            let (channels, why) = (self.name(), error.to_string());
            log::warn!(target: "graceful", channels = channels.as_str(), error = why.as_str(); "redis subscription lost");
            match self.reconnect(manager) {
                Some(fresh) => connection = fresh,
                None => return,
            }
            log::info!(target: "graceful", channels = channels.as_str(); "redis subscription restored");
        }
    }

    /// Until the server has said goodbye, or nobody listens any more.
    fn pass_on(&self, connection: &mut Connection, manager: &Manager, sender: &Sender<Msg>) -> RedisResult<()> {
        loop {
            let value = connection.read()?;
            if is_error(&value) {
                value.extract_error()?;
                continue;
            }
            if is_goodbye(&value) {
                return Ok(());
            }
            let Some(mut message) = Msg::from_owned_value(value) else { continue };
            Counters::add(&manager.counters.messages, 1);
            loop {
                match sender.send_timeout(message, LOOK) {
                    Ok(()) => break,
                    Err(SendTimeoutError::Disconnected(_)) => return Ok(()),
                    Err(SendTimeoutError::Timeout(_)) if self.leaving() == Leaving::Now => return Ok(()),
                    Err(SendTimeoutError::Timeout(back)) => message = back,
                }
            }
        }
    }

    fn reconnect(&self, manager: &Manager) -> Option<Connection> {
        let mut pause = FIRST_PAUSE;
        loop {
            match self.connect(manager) {
                Ok(connection) => return Some(connection),
                Err(error) => {
                    let why = error.to_string();
                    log::debug!(target: "graceful", error = why.as_str(); "redis subscription not restored");
                }
            }
            let until = Instant::now() + pause;
            let mut state = self.state();
            while state.leaving == Leaving::No {
                let left = until.saturating_duration_since(Instant::now());
                if left.is_zero() {
                    break;
                }
                state = self.changed.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0;
            }
            if state.leaving != Leaving::No {
                return None;
            }
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }

    fn leaving(&self) -> Leaving {
        self.state().leaving
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Ends all of them: politely until the first instant, then at once. Names those whose thread does not end by the second.
pub(super) fn end(feeds: &[Arc<Feed>], polite_until: Instant, deadline: Deadline) -> Vec<String> {
    feeds.iter().for_each(|feed| feed.leave());
    while Instant::now() < polite_until && !feeds.iter().all(|feed| feed.has_ended()) {
        thread::sleep(Duration::from_millis(1));
    }
    feeds.iter().for_each(|feed| feed.cut());
    let late = feeds.iter().filter(|feed| feed.join(deadline.remaining()).is_err());
    late.map(|feed| feed.name()).collect()
}

/// The last answer to the two commands that leave everything: nothing is subscribed to any more.
fn is_goodbye(value: &Value) -> bool {
    match value {
        Value::Array(items) => {
            matches!(items.first(), Some(Value::BulkString(kind)) if kind == b"punsubscribe")
                && items.last() == Some(&Value::Int(0))
        }
        _ => false,
    }
}
