//! A connection, for those who send on it.

use std::error::Error;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use bytes::Bytes;
use graceful_core::protocol::{Bell, Counters, Wanted, Wire};
use graceful_core::{PeerAddress, Stop};

use super::close::{CloseCode, Closed, Side};
use super::counters;
use super::frame::{self, Kind};
use super::hub::Membership;
use super::message::Message;
use super::outbox::{Called, Delivery, Outbox, Sent, Speech};
use super::settings::{Overflow, Settings};
use crate::http::request::Context;

/// A connection, from any thread and for as long as one likes; it can be cloned. When the connection has ended, sending
/// fails.
#[derive(Clone)]
pub struct Socket(pub(super) Arc<Link>);

/// What a session and those who send on its connection share.
pub(super) struct Link {
    id: u64,
    context: Context,
    subprotocol: Option<Arc<str>>,
    settings: Arc<Settings>,
    counters: Arc<Counters>,
    bell: Bell,
    outbox: Mutex<Outbox>,
    /// The rooms that it is in.
    rooms: Mutex<Vec<Membership>>,
}

/// Why a message was not sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SendError {
    /// The connection has ended, or our Close is on its way.
    Closed,
    /// The peer does not keep up: the message was dropped, or the connection is being closed for it, as
    /// [`outbox`](super::WebSocket::outbox) says.
    Full,
    /// There was no room for the message in the time that [`Overflow::Block`] grants.
    TimedOut,
}

/// Whether a sender may be kept waiting.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Waits {
    IfItMust,
    Never,
}

/// A message above this length is not copied behind others.
const LARGE: usize = 8 * 1024;

impl Socket {
    /// The number of the connection, as logs have it. Not used again.
    #[must_use]
    pub fn id(&self) -> u64 {
        self.0.id
    }

    /// Who is at the other end. Behind a proxy that is the proxy.
    #[must_use]
    pub fn peer(&self) -> &PeerAddress {
        self.0.context.peer()
    }

    /// The subprotocol that was agreed on.
    #[must_use]
    pub fn subprotocol(&self) -> Option<&str> {
        self.0.subprotocol.as_deref()
    }

    /// Fires when the drain begins: a callback that takes long should come to an end then.
    #[must_use]
    pub fn stop(&self) -> &Stop {
        self.0.context.stop()
    }

    /// Whether something can be sent.
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.0.outbox().speech == Speech::Open
    }

    /// How many bytes wait for the peer to take them, beyond what the kernel buffers.
    #[must_use]
    pub fn queued(&self) -> usize {
        self.0.outbox().waiting()
    }

    /// Sends a message: hands it to the kernel, or puts it behind those that wait already.
    ///
    /// A message for which this is `Ok` goes out before a Close of ours, also when the service is told to stop; it can still be
    /// lost with the connection.
    ///
    /// # Errors
    /// [`SendError`].
    ///
    /// # Blocking
    /// With [`Overflow::Block`] only, for as long as that says.
    pub fn send(&self, message: impl Into<Message>) -> Result<(), SendError> {
        self.0.send(message.into())
    }

    /// Sends a Close behind what was sent before; later messages are refused. The connection ends when the peer has answered
    /// it, or after [`close_timeout`](super::WebSocket::close_timeout). Does nothing when the connection is closing already.
    ///
    /// A reason beyond 123 bytes is shortened. With a code that may not be sent (see [`CloseCode::can_be_sent`]) the Close has
    /// neither code nor reason.
    pub fn close(&self, code: CloseCode, reason: &str) {
        self.0.close(code, reason);
    }
}

impl Link {
    pub(super) fn new(
        wire: &Wire,
        context: Context,
        subprotocol: Option<Arc<str>>,
        settings: Arc<Settings>,
        counters: Arc<Counters>,
        bell: Bell,
    ) -> Self {
        Self {
            id: wire.id(),
            context,
            subprotocol,
            settings,
            counters,
            bell,
            outbox: Mutex::new(Outbox::new(wire.clone())),
            rooms: Mutex::default(),
        }
    }

    pub(super) fn outbox(&self) -> MutexGuard<'_, Outbox> {
        self.outbox.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn id(&self) -> u64 {
        self.id
    }

    pub(super) fn counters(&self) -> &Counters {
        &self.counters
    }

    pub(super) fn rooms(&self) -> MutexGuard<'_, Vec<Membership>> {
        self.rooms.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn send(&self, message: Message) -> Result<(), SendError> {
        self.send_or_wait(message, Waits::IfItMust)
    }

    /// Sends one that nobody waits for.
    pub(super) fn send_without_waiting(&self, message: &Message) -> Result<(), SendError> {
        self.send_or_wait(message.clone(), Waits::Never)
    }

    fn send_or_wait(&self, message: Message, waits: Waits) -> Result<(), SendError> {
        let mut outbox = self.admit(message.len(), waits)?;
        let kind = Kind::of(&message);
        if message.len() > LARGE {
            outbox.write(|out| frame::head(out, kind, message.len()));
            outbox.push(message.into_bytes());
        } else {
            outbox.write(|out| frame::whole(out, kind, message.as_bytes()));
        }
        self.dispatch(&mut outbox);
        Ok(())
    }

    /// Sends a frame that others are sent as well. Counting it is the caller's.
    pub(super) fn send_shared(&self, frame: &Bytes) -> Result<(), SendError> {
        let mut outbox = self.admit(frame.len(), Waits::Never)?;
        outbox.count();
        let taken = outbox.write_through(frame);
        if taken < frame.len() {
            outbox.push(frame.slice(taken..));
            self.deliver(&mut outbox);
        }
        Ok(())
    }

    fn dispatch(&self, outbox: &mut Outbox) {
        outbox.count();
        self.counters.add(counters::SENT, 1);
        self.deliver(outbox);
    }

    /// Adds a control frame, for the session, which sends it.
    pub(super) fn control(&self, kind: Kind, payload: &[u8]) {
        let mut outbox = self.outbox();
        // Who asks for a thousand Pongs and takes none gets those that fit.
        if outbox.speech == Speech::Open && outbox.waiting() < self.settings.outbox_limit {
            outbox.write(|out| frame::whole(out, kind, payload));
        }
    }

    /// Adds a Close behind everything else, for the session, which sends it. Tells whether it was the first.
    pub(super) fn say_goodbye(&self, code: CloseCode, reason: &str) -> bool {
        self.outbox().say_goodbye(code, reason)
    }

    /// The same for everybody else.
    pub(super) fn close(&self, code: CloseCode, reason: &str) {
        self.close_now(&mut self.outbox(), code, reason);
    }

    fn close_now(&self, outbox: &mut Outbox, code: CloseCode, reason: &str) {
        if !outbox.say_goodbye(code, reason) {
            return;
        }
        outbox.closed = Some(Box::new(Closed { code, reason: reason.to_owned(), by: Side::Server }));
        self.deliver(outbox);
        self.call(outbox);
    }

    /// Tries to send what waits: nobody has, while a callback was at work. Since when the socket has taken nothing.
    pub(super) fn try_again(&self, now: Instant) -> Option<Instant> {
        let mut outbox = self.outbox();
        // An error comes again.
        let _ = outbox.send(|| now);
        outbox.stalled()
    }

    pub(super) fn set_delivery(&self, delivery: Delivery) {
        self.outbox().delivery = delivery;
    }

    /// Waits for room, if there has to be any and it may wait.
    fn admit(&self, length: usize, waits: Waits) -> Result<MutexGuard<'_, Outbox>, SendError> {
        let mut until: Option<Instant> = None;
        loop {
            let mut outbox = self.outbox();
            if outbox.speech != Speech::Open {
                return Err(SendError::Closed);
            }
            let limit = self.settings.outbox_limit;
            let fits = |outbox: &Outbox| outbox.waiting() == 0 || outbox.waiting() + length <= limit;
            if fits(&outbox) {
                return Ok(outbox);
            }
            // What was only gathered so far may find room in the socket.
            if outbox.send(Instant::now).is_err() {
                self.call(&mut outbox);
                return Err(SendError::Closed);
            }
            if fits(&outbox) {
                return Ok(outbox);
            }
            let patience = match (self.settings.overflow, waits) {
                (Overflow::Block(patience), Waits::IfItMust) => patience,
                (Overflow::Drop, _) => {
                    self.counters.add(counters::DROPPED, 1);
                    return Err(SendError::Full);
                }
                (Overflow::Block(_) | Overflow::Close, _) => {
                    self.counters.add(counters::DROPPED, 1);
                    self.counters.add(counters::ERRORS, 1);
                    self.close_now(&mut outbox, CloseCode::TRY_AGAIN_LATER, "does not keep up");
                    return Err(SendError::Full);
                }
            };
            let now = Instant::now();
            let mut wait_until = *until.get_or_insert_with(|| now.checked_add(patience).unwrap_or(now));
            if self.context.stop().is_stopping() {
                // For all that is sent from now on its peer has no longer than for our Close.
                let longest = || now.checked_add(self.settings.close_timeout).unwrap_or(now);
                wait_until = wait_until.min(*outbox.patience.get_or_insert_with(longest));
            }
            if now >= wait_until {
                self.counters.add(counters::DROPPED, 1);
                return Err(SendError::TimedOut);
            }
            let Some(wire) = outbox.wire().cloned() else { return Err(SendError::Closed) };
            drop(outbox);
            // Whatever it is that ends the wait, the next look tells.
            let _ = wire.wait(Wanted::Room, Some(wait_until));
        }
    }

    /// Sends what was added, unless it is gathered. What the socket does not take is the session's to see to.
    fn deliver(&self, outbox: &mut Outbox) {
        // Behind what waits for the socket already there is nothing to be tried.
        if outbox.delivery == Delivery::Gathered || outbox.stalled().is_some() {
            return;
        }
        if !matches!(outbox.send(Instant::now), Ok(Sent::All)) {
            self.call(outbox);
        }
    }

    fn call(&self, outbox: &mut Outbox) {
        if outbox.called == Called::No {
            outbox.called = Called::Yes;
            self.bell.ring();
        }
    }

    /// Has the session run once more after the others.
    pub(super) fn call_again(&self) {
        self.bell.ring();
    }

    /// The connection has ended.
    pub(super) fn end(&self) {
        drop(self.outbox().end());
        self.leave_rooms();
    }

    pub(super) fn leave_rooms(&self) {
        let rooms = std::mem::take(&mut *self.rooms());
        for room in rooms {
            room.end(self.id);
        }
    }
}

impl fmt::Debug for Socket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Socket").field("id", &self.id()).field("peer", self.peer()).finish_non_exhaustive()
    }
}

impl fmt::Display for SendError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Closed => "the connection is closed",
            Self::Full => "the peer does not keep up",
            Self::TimedOut => "the peer did not make room in time",
        })
    }
}

impl Error for SendError {}
