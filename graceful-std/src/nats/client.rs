//! NATS, with calls that block.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use ::async_nats::{ConnectOptions, HeaderMap, Message, ServerAddr, Subject};
use bytes::Bytes;
use crossbeam_channel::bounded;
use graceful_core::{Deadline, join_timeout};

use super::driver::{self, CONNECT_TIMEOUT};
use super::shared::{Command, Feed, Link, Open, Shared};
use super::subscription::CAPACITY;
use super::{Error, NatsLeft, Subscription};

/// A connection to NATS. Cheap to clone; used from any thread.
#[derive(Clone)]
pub struct Nats {
    inner: Arc<Inner>,
}

struct Inner {
    shared: Arc<Shared>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

/// As much may be published that is not confirmed.
const MOST_MESSAGES: usize = 65_536;
const MOST_BYTES: usize = 64 * 1024 * 1024;

/// How long [`Nats::publish`] waits for room.
const PUBLISH_TIMEOUT: Duration = Duration::from_secs(5);

/// How long a server may take to confirm a subscription.
const SUBSCRIBE_TIMEOUT: Duration = Duration::from_secs(5);

/// What is kept of a drain's time to end the thread: a tenth, and no more than this.
const LONGEST_REST: Duration = Duration::from_millis(100);

/// Connects: `nats://user:password@host:4222`, or `nats://token@host`, or several servers of a cluster with commas between
/// them (the user of the first is the user of all). `tls://` is spoken, with the certificates of the system.
///
/// # Errors
/// [`Error::Connect`] when no server can be reached, or it refuses user or password: its text says which, and where.
///
/// # Blocking
/// Until it is connected; at most 5 s for each server, and 5 s more.
pub fn connect(url: &str) -> Result<Nats, Error> {
    let first = url.split(',').next().unwrap_or_default();
    let options = match secrets(first) {
        (Some(user), Some(password)) => driver::options().user_and_password(user, password),
        (Some(token), None) => driver::options().token(token),
        _ => driver::options(),
    };
    connect_with(url, options)
}

/// As [`connect`], with the driver's options: credentials, certificates, names. Its event callback and its connection timeout
/// are ours.
///
/// # Errors
/// As [`connect`].
///
/// # Blocking
/// As [`connect`].
pub fn connect_with(url: &str, options: ConnectOptions) -> Result<Nats, Error> {
    let servers: Vec<String> = url.split(',').map(|server| server.trim().to_owned()).collect();
    let address = servers.iter().map(|server| without_secrets(server)).collect::<Vec<_>>().join(", ");
    let patience = CONNECT_TIMEOUT * u32::try_from(servers.len() + 1).unwrap_or(u32::MAX);
    let (shared, commands) = Shared::new(address.clone());
    let (told, connected) = bounded(1);
    let theirs = Arc::clone(&shared);
    let run = move || driver::run(&theirs, &servers, options, commands, &told);
    let thread = thread::Builder::new().name("gf-nats".into()).spawn(run).map_err(Error::Thread)?;
    // Dropped when there is no connection, and the thread told to end by that.
    let nats = Nats { inner: Arc::new(Inner { shared, thread: Mutex::new(Some(thread)) }) };
    match connected.recv_timeout(patience) {
        Ok(connected) => connected.map(|()| nats),
        Err(_) => Err(Error::Connect { address, source: "no answer in time".into() }),
    }
}

impl Nats {
    /// Publishes a message: it is on its way when this returns. [`flush`](Nats::flush) tells when the server has it, and
    /// [`drain`](Nats::drain) waits for that.
    ///
    /// While the connection is down messages wait for the next one. Those that had been written to one that broke, and that
    /// the server had not confirmed, are not sent again (they could come twice); the next flush or drain tells how many.
    ///
    /// # Errors
    /// [`Error::Closed`], [`Error::Full`], [`Error::Invalid`], [`Error::TooLarge`].
    ///
    /// # Blocking
    /// Up to 5 s while 65536 messages or 64 MiB are not confirmed.
    pub fn publish(&self, subject: &str, payload: impl Into<Bytes>) -> Result<(), Error> {
        self.publish_with(subject, HeaderMap::new(), payload)
    }

    /// As [`publish`](Nats::publish), with headers.
    ///
    /// # Errors
    /// As [`publish`](Nats::publish).
    ///
    /// # Blocking
    /// As [`publish`](Nats::publish).
    pub fn publish_with(&self, subject: &str, headers: HeaderMap, payload: impl Into<Bytes>) -> Result<(), Error> {
        self.send(target(subject)?, headers, payload.into())
    }

    /// Answers a request: a message that has a reply subject.
    ///
    /// # Errors
    /// As [`publish`](Nats::publish); [`Error::Invalid`] when nobody waits for an answer.
    ///
    /// # Blocking
    /// As [`publish`](Nats::publish).
    pub fn respond(&self, request: &Message, payload: impl Into<Bytes>) -> Result<(), Error> {
        let subject = request.reply.clone().ok_or_else(|| Error::Invalid(String::new()))?;
        self.send(subject, HeaderMap::new(), payload.into())
    }

    /// Asks, and waits for the first answer.
    ///
    /// # Errors
    /// [`Error::NoResponders`] at once when nobody listens, [`Error::TimedOut`]; otherwise as [`publish`](Nats::publish).
    ///
    /// # Blocking
    /// Up to the timeout.
    pub fn request(&self, subject: &str, payload: impl Into<Bytes>, timeout: Duration) -> Result<Message, Error> {
        let (subject, payload) = (target(subject)?, payload.into());
        self.check_size(payload.len())?;
        let until = Instant::now() + timeout;
        let (answer, answered) = bounded(1);
        {
            let state = self.shared().state();
            if state.open >= Open::Closed {
                return Err(Error::Closed);
            }
            self.shared().send(Command::Request { subject, payload, until, answer })?;
        }
        answered.recv_deadline(until).unwrap_or(Err(Error::TimedOut))
    }

    /// Subscribes to a subject, which may have wildcards: `orders.*`, `orders.>`.
    ///
    /// # Errors
    /// [`Error::Closed`], [`Error::Invalid`], [`Error::TimedOut`].
    ///
    /// # Blocking
    /// Until the server has read it, at most 5 s.
    pub fn subscribe(&self, subject: &str) -> Result<Subscription, Error> {
        self.listen(subject, None)
    }

    /// As [`subscribe`](Nats::subscribe), as one of a group, of which one gets each message.
    ///
    /// # Errors
    /// As [`subscribe`](Nats::subscribe).
    ///
    /// # Blocking
    /// As [`subscribe`](Nats::subscribe).
    pub fn queue_subscribe(&self, subject: &str, group: &str) -> Result<Subscription, Error> {
        self.listen(subject, Some(group.to_owned()))
    }

    /// Waits until the server has everything that was published before.
    ///
    /// # Errors
    /// [`Error::TimedOut`] at the deadline; [`Error::Lost`] tells how many messages may be lost because a connection broke,
    /// each of them once.
    ///
    /// # Blocking
    /// Until the deadline.
    pub fn flush(&self, deadline: Deadline) -> Result<(), Error> {
        let accepted = self.shared().state().ledger.accepted();
        let ready = |state: &super::shared::State| state.ledger.settled() >= accepted || state.open == Open::Ended;
        if !self.shared().wait_until(deadline.instant(), ready) {
            return Err(Error::TimedOut);
        }
        let mut state = self.shared().state();
        if state.ledger.settled() < accepted {
            return Err(Error::Closed);
        }
        match state.ledger.take_lost() {
            0 => Ok(()),
            lost => Err(Error::Lost(lost)),
        }
    }

    /// Asks the server whether it is there, and tells how long that took: for a readiness check.
    ///
    /// # Errors
    /// [`Error::TimedOut`], [`Error::Closed`]; [`Error::Lost`] when the connection is down.
    ///
    /// # Blocking
    /// Up to the timeout.
    pub fn ping(&self, timeout: Duration) -> Result<Duration, Error> {
        let asked = Instant::now();
        if self.shared().state().link == Link::Down {
            return Err(if self.shared().state().open == Open::Ended { Error::Closed } else { Error::Lost(0) });
        }
        let inbox = self.client()?.new_inbox();
        match self.request(&inbox, Bytes::new(), timeout) {
            // Nobody listens there, and it is the server that says so.
            Ok(_) | Err(Error::NoResponders) => Ok(asked.elapsed()),
            Err(error) => Err(error),
        }
    }

    /// Ends everything, as the [module](super) tells: subscriptions are left and what they have is handled, then what was
    /// published is confirmed by the server, then the connection is closed and the thread joined.
    ///
    /// # Errors
    /// [`NatsLeft`] names what was not handled or not confirmed.
    ///
    /// # Blocking
    /// Until all of that is done, and no longer than the deadline, whatever the server does.
    pub fn drain(&self, deadline: Deadline) -> Result<(), NatsLeft> {
        let shared = self.shared();
        let rest = LONGEST_REST.min(deadline.remaining() / 10);
        let until = deadline.instant().checked_sub(rest).unwrap_or(deadline.instant());
        shared.change(|state| {
            state.open = state.open.max(Open::Draining);
            state.feeds.iter().for_each(|feed| feed.leave.notify_one());
        });
        shared.wait_until(until, |state| state.feeds.iter().all(|feed| feed.is_through()));
        // Those who handled the last messages have published what came of them.
        shared.change(|state| state.open = state.open.max(Open::Closed));
        shared.wait_until(until, |state| state.ledger.unsettled().0 == 0 || state.open == Open::Ended);
        let left = shared.change(|state| {
            let late = || state.feeds.iter().filter(|feed| !feed.is_through());
            let unread =
                late().map(|feed| (feed.subject.clone(), feed.unread())).filter(|(_, count)| *count > 0).collect();
            let subscriptions = late().filter(|feed| feed.unread() == 0).map(|feed| feed.subject.clone()).collect();
            NatsLeft {
                dropped: state.dropped,
                lost: state.ledger.take_lost(),
                subscriptions,
                unconfirmed: state.ledger.unsettled().0,
                unread,
            }
        });
        shared.quit.notify_one();
        let thread = self.inner.thread.lock().unwrap_or_else(PoisonError::into_inner).take();
        // Half of the rest is for telling what is left: who is late is abandoned, and cannot.
        if let Some(thread) = thread
            && join_timeout(thread, deadline.remaining() / 2).is_err()
        {
            log::warn!(target: "graceful", server = shared.address.as_str(); "nats thread left behind");
        }
        if left.is_nothing() {
            log::info!(target: "graceful", server = shared.address.as_str(); "nats drained");
            Ok(())
        } else {
            Err(left)
        }
    }

    fn send(&self, subject: Subject, headers: HeaderMap, payload: Bytes) -> Result<(), Error> {
        self.check_size(payload.len())?;
        let until = Instant::now() + PUBLISH_TIMEOUT;
        let has_room = |state: &super::shared::State| {
            let (messages, bytes) = state.ledger.unsettled();
            (messages < MOST_MESSAGES && bytes < MOST_BYTES) || state.open >= Open::Closed
        };
        loop {
            let mut state = self.shared().state();
            if state.open >= Open::Closed {
                return Err(Error::Closed);
            }
            if has_room(&state) {
                let bytes = payload.len();
                let headers = Some(headers).filter(|headers| !headers.is_empty());
                self.shared().send(Command::Publish { subject, reply: None, headers, payload })?;
                state.ledger.accept(bytes);
                return Ok(());
            }
            drop(state);
            if !self.shared().wait_until(until, has_room) {
                return Err(Error::Full);
            }
        }
    }

    fn listen(&self, subject: &str, group: Option<String>) -> Result<Subscription, Error> {
        let valid = Subject::validated(subject).map_err(|_| Error::Invalid(subject.to_owned()))?;
        let feed = Arc::new(Feed::new(subject));
        let (messages, receiver) = bounded(CAPACITY);
        let (done, confirmed) = bounded(1);
        {
            let mut state = self.shared().state();
            if state.open >= Open::Draining {
                return Err(Error::Closed);
            }
            let command = Command::Subscribe { subject: valid, group, feed: Arc::clone(&feed), messages, done };
            self.shared().send(command)?;
            state.feeds.retain(|feed| !feed.is_through());
            state.feeds.push(Arc::clone(&feed));
        }
        // Dropped if it is not confirmed, and left by that.
        let subscription = Subscription::new(receiver, feed, Arc::clone(self.shared()));
        confirmed.recv_timeout(SUBSCRIBE_TIMEOUT).unwrap_or(Err(Error::TimedOut))?;
        Ok(subscription)
    }

    fn check_size(&self, bytes: usize) -> Result<(), Error> {
        let limit = self.client()?.max_payload();
        if bytes > limit { Err(Error::TooLarge { bytes, limit }) } else { Ok(()) }
    }

    fn client(&self) -> Result<&::async_nats::Client, Error> {
        self.shared().client.get().ok_or(Error::Closed)
    }

    fn shared(&self) -> &Arc<Shared> {
        &self.inner.shared
    }
}

/// The last one ends the thread without waiting for it.
impl Drop for Inner {
    fn drop(&mut self) {
        self.shared.quit.notify_one();
    }
}

impl fmt::Debug for Nats {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Nats").field("server", &self.shared().address).finish_non_exhaustive()
    }
}

/// A subject to publish to: without wildcards.
fn target(subject: &str) -> Result<Subject, Error> {
    let valid = Subject::validated(subject).ok();
    let valid = valid.filter(|_| !subject.split('.').any(|part| part == "*" || part == ">"));
    valid.ok_or_else(|| Error::Invalid(subject.to_owned()))
}

/// User and password of an address, which the driver reads and does not use.
fn secrets(server: &str) -> (Option<String>, Option<String>) {
    match server.trim().parse::<ServerAddr>() {
        Ok(address) => (address.username().map(unescaped), address.password().map(unescaped)),
        // The driver tells what is wrong with it.
        Err(_) => (None, None),
    }
}

/// Without the `%40` that an `@` is in an address.
fn unescaped(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, after @ ..] = rest {
        let digits = after.get(..2).filter(|_| *first == b'%').and_then(|digits| std::str::from_utf8(digits).ok());
        match digits.and_then(|digits| u8::from_str_radix(digits, 16).ok()) {
            Some(byte) => {
                bytes.push(byte);
                rest = &after[2..];
            }
            None => {
                bytes.push(*first);
                rest = after;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// Where a server is, without who we are.
fn without_secrets(server: &str) -> &str {
    let address = server.split_once("://").map_or(server, |(_, address)| address);
    address.rsplit_once('@').map_or(address, |(_, address)| address)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn subjects_to_publish_to() {
        for subject in ["orders", "orders.new", "a.b.c"] {
            assert!(target(subject).is_ok(), "{subject}");
        }
        for subject in ["", "a b", "a..b", ".a", "a.", "a.*", "a.>", ">", "a\r\nPUB b 0\r\n"] {
            assert!(matches!(target(subject), Err(Error::Invalid(_))), "{subject}");
        }
    }

    #[test]
    fn users_and_passwords() {
        let check = |server, user: Option<&str>, password: Option<&str>| {
            assert_eq!(secrets(server), (user.map(str::to_owned), password.map(str::to_owned)), "{server}");
        };
        check("nats://me:p%40ss%zz@host:4222", Some("me"), Some("p@ss%zz"));
        check("nats://token@host", Some("token"), None);
        check("host", None, None);
        check("http://me:secret@host", None, None);
    }

    #[test]
    fn passwords_are_not_told() {
        assert_eq!(without_secrets("nats://me:secret@host:4222"), "host:4222");
        assert_eq!(without_secrets("tls://host"), "host");
        assert_eq!(without_secrets("host:4222"), "host:4222");
    }
}
