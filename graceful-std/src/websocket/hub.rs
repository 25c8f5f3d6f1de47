//! Rooms, and messages for everybody in them.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use bytes::Bytes;

use super::counters;
use super::frame::{self, Kind};
use super::message::Message;
use super::socket::{Link, Socket};

/// Rooms by name, and who is in them. Cheap to clone: clones are the same hub.
///
/// A room comes to be when somebody joins it, and is gone when the last one has left. A connection that ends leaves all its
/// rooms, before its handler's `on_close` is called.
///
/// Everybody in a room gets its messages in the same order, whoever sends them.
///
/// # Examples
/// ```
/// use graceful::http::{Request, Response, Router};
/// use graceful::websocket::{Handler, Hub, Message, Socket, WebSocket};
/// use graceful::BoxError;
///
/// struct Member { hub: Hub, room: String }
///
/// impl Handler for Member {
///     fn on_open(&mut self, socket: &Socket) -> Result<(), BoxError> {
///         self.hub.join(&self.room, socket);
///         Ok(())
///     }
///
///     fn on_message(&mut self, _: &Socket, message: Message) -> Result<(), BoxError> {
///         self.hub.broadcast(&self.room, message);
///         Ok(())
///     }
/// }
///
/// let (hub, chat) = (Hub::new(), WebSocket::new());
/// let routes = Router::new().get("/chat/{room}", move |request: Request| -> Response {
///     let room = request.param("room").unwrap_or("lobby").to_owned();
///     chat.upgrade(&request, Member { hub: hub.clone(), room })
/// });
/// # drop(routes);
/// ```
#[derive(Clone, Default)]
pub struct Hub(Arc<Rooms>);

type Rooms = Mutex<HashMap<String, Arc<Room>>>;

#[derive(Default)]
struct Room {
    members: Mutex<Members>,
    /// Held while somebody speaks, so that all hear the same order.
    floor: Mutex<()>,
}

#[derive(Default)]
struct Members {
    by_id: HashMap<u64, Arc<Link>>,
    /// The same as a list for those who send, made when it is needed: sending to ten thousand should touch what it sends on,
    /// and nothing else.
    list: Option<Arc<[Arc<Link>]>>,
}

/// That a connection is in a room, for when it ends.
pub(super) struct Membership {
    hub: Weak<Rooms>,
    room: String,
}

impl Hub {
    /// Without rooms.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a connection to a room. Does nothing when it is in it already, or has ended.
    pub fn join(&self, room: &str, socket: &Socket) {
        let link = &socket.0;
        {
            let mut rooms = self.lock();
            let room = rooms.entry(room.to_owned()).or_default();
            if !room.members().add(link) {
                return;
            }
        }
        let hub = Arc::downgrade(&self.0);
        link.rooms().push(Membership { hub, room: room.to_owned() });
        // It may have ended meanwhile, and then nobody else would see to it.
        if !socket.is_open() {
            self.leave(room, socket);
        }
    }

    /// Removes a connection from a room, if it is in it.
    pub fn leave(&self, room: &str, socket: &Socket) {
        remove(&self.0, room, socket.id());
        socket.0.rooms().retain(|membership| membership.room != room || !membership.is_of(&self.0));
    }

    /// Sends a message to everybody in a room. It is encoded once. Tells how many it was sent to; those that do not keep up are
    /// treated as their [`outbox`](super::WebSocket::outbox) says.
    ///
    /// # Blocking
    /// It waits for no peer, but for others who are sending to the same room.
    pub fn broadcast(&self, room: &str, message: impl Into<Message>) -> usize {
        self.send(room, &message.into(), None)
    }

    /// As [`broadcast`](Hub::broadcast), to everybody but one.
    pub fn broadcast_except(&self, room: &str, except: &Socket, message: impl Into<Message>) -> usize {
        self.send(room, &message.into(), Some(except.id()))
    }

    /// The names of all rooms, in no order.
    #[must_use]
    pub fn rooms(&self) -> Vec<String> {
        self.lock().keys().cloned().collect()
    }

    /// How many are in a room.
    #[must_use]
    pub fn members(&self, room: &str) -> usize {
        self.lock().get(room).map_or(0, |room| room.members().by_id.len())
    }

    fn send(&self, room: &str, message: &Message, except: Option<u64>) -> usize {
        let Some(room) = self.lock().get(room).cloned() else { return 0 };
        let mut frame = Vec::new();
        frame::whole(&mut frame, Kind::of(message), message.as_bytes());
        let frame = Bytes::from(frame);
        let _floor = room.floor.lock().unwrap_or_else(PoisonError::into_inner);
        // Apart from the lock, since a hub is asked who is there at any time.
        let members = room.members().list();
        let others = members.iter().filter(|link| except != Some(link.id()));
        let sent = others.filter(|link| link.send_shared(&frame).is_ok()).count();
        if let Some(link) = members.first() {
            link.counters().add(counters::SENT, sent as u64);
        }
        sent
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, Arc<Room>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Room {
    fn members(&self) -> MutexGuard<'_, Members> {
        self.members.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Members {
    /// `false` when it is here already.
    fn add(&mut self, link: &Arc<Link>) -> bool {
        self.list = None;
        self.by_id.insert(link.id(), Arc::clone(link)).is_none()
    }

    fn remove(&mut self, id: u64) -> Option<Arc<Link>> {
        self.list = None;
        self.by_id.remove(&id)
    }

    fn list(&mut self) -> Arc<[Arc<Link>]> {
        let by_id = &self.by_id;
        Arc::clone(self.list.get_or_insert_with(|| by_id.values().cloned().collect()))
    }
}

impl Membership {
    /// The connection has ended.
    pub(super) fn end(self, id: u64) {
        if let Some(rooms) = self.hub.upgrade() {
            remove(&rooms, &self.room, id);
        }
    }

    fn is_of(&self, rooms: &Arc<Rooms>) -> bool {
        std::ptr::eq(self.hub.as_ptr(), Arc::as_ptr(rooms))
    }
}

fn remove(rooms: &Rooms, name: &str, id: u64) {
    let mut rooms = rooms.lock().unwrap_or_else(PoisonError::into_inner);
    let Some(room) = rooms.get(name) else { return };
    let (link, empty) = {
        let mut members = room.members();
        (members.remove(id), members.by_id.is_empty())
    };
    if empty {
        rooms.remove(name);
    }
    // What it owns may be the user's.
    drop(rooms);
    drop(link);
}

impl fmt::Debug for Hub {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Hub").field("rooms", &self.lock().len()).finish()
    }
}
