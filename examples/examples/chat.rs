//! A chat with rooms over WebSockets, and its page: how a service says good-bye to clients that stay for hours.
//!
//! | request | answer |
//! |---|---|
//! | `GET /` | the page, which reconnects by itself |
//! | `GET /chat/{room}?name=ann&after=0` | the WebSocket: what was said in the room after that id, then what is said |
//!
//! Run:    cargo run --release --example chat, then open http://127.0.0.1:8080/?room=tea&name=ann twice, or let
//!         chat_client talk to it (ADDR=127.0.0.1:0 for any free port; SPREAD_MS=2000 closes the connections one after the
//!         other within 2 s, for thousands that would come back at once)
//! Stop:   Ctrl-C, or `kill` with its pid
//! Prints: `listening on http://127.0.0.1:8080`, at the end `2 messages`; what happens meanwhile is on stderr.
//!
//! At the signal every client is told `{"type":"ServerShutdown",…}`; new ones are refused. Half a second later each
//! connection is closed with 1001, which makes clients come back to whoever serves this address next.
#![forbid(unsafe_code)]

use std::collections::{HashMap, VecDeque};
use std::env;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use graceful::http::{Request, Response, Router};
use graceful::websocket::{Closed, Handler, Hub, Message, SendError, Socket, WebSocket};
use graceful::{App, BoxError, cleanup};
use serde_json::json;

const PAGE: &str = include_str!("../chat/index.html");

/// How many messages of a room are remembered for those who come later, as long as somebody is there.
const HISTORY: usize = 50;

#[graceful::main(timeout = "20s")]
fn main(app: &App) -> Result<(), BoxError> {
    let chat = app.provide(Chat::default());
    let spread = env::var("SPREAD_MS").map_or(Ok(0), |spread| spread.parse())?;
    let settings = WebSocket::new()
        .message_limit(1000)
        .farewell(json!({"type": "ServerShutdown", "text": "the server restarts; you will be back soon"}).to_string())
        .notice(Duration::from_millis(500))
        .spread(Duration::from_millis(spread))
        .close_reason("service restart");
    let enter = move |request: Request| -> Response {
        let name = request.query_param("name").unwrap_or("guest".into()).chars().take(40).collect();
        let room = request.param("room").unwrap_or("lobby").to_owned();
        let after = request.query_param("after").and_then(|after| after.parse().ok()).unwrap_or(0);
        settings.upgrade(&request, Member { chat: Arc::clone(&chat), room, name, after })
    };
    let routes =
        Router::new().get("/", || ([("content-type", "text/html; charset=utf-8")], PAGE)).get("/chat/{room}", enter);
    let address = app.http(env::var("ADDR").unwrap_or_else(|_| "127.0.0.1:8080".into()), routes)?;
    println!("listening on http://{address}");
    Ok(())
}

/// One connection: a name in a room.
struct Member {
    chat: Arc<Chat>,
    room: String,
    name: String,
    after: u64,
}

/// Called one after the other, each on an ordinary thread, so they may block.
impl Handler for Member {
    fn on_open(&mut self, socket: &Socket) -> Result<(), BoxError> {
        Ok(self.chat.enter(&self.room, self.after, socket)?)
    }

    fn on_message(&mut self, _: &Socket, message: Message) -> Result<(), BoxError> {
        if let Message::Text(text) = message {
            self.chat.say(&self.room, &self.name, &text);
        }
        Ok(())
    }

    fn on_close(&mut self, _: &Socket, _: &Closed) {
        self.chat.forget_if_empty(&self.room);
    }
}

#[derive(Default)]
struct Chat {
    /// Who is in which room.
    hub: Hub,
    rooms: Mutex<HashMap<String, Room>>,
    said: AtomicU64,
}

/// What was said, the oldest first, with ids that grow.
type Room = VecDeque<(u64, String)>;

impl Chat {
    /// The lock is held for both: nothing is missed in between, and nothing comes twice.
    fn enter(&self, room: &str, after: u64, socket: &Socket) -> Result<(), SendError> {
        let rooms = self.rooms();
        for (_, said) in rooms.get(room).into_iter().flatten().filter(|(id, _)| *id > after) {
            socket.send(said.as_str())?;
        }
        self.hub.join(room, socket);
        Ok(())
    }

    /// Remembers it, and tells everybody in the room.
    fn say(&self, room: &str, name: &str, text: &str) {
        let mut rooms = self.rooms();
        let history = rooms.entry(room.to_owned()).or_default();
        // From the clock, so that they grow over restarts, too.
        let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |now| now.as_millis() as u64);
        let id = history.back().map_or(now, |(last, _)| now.max(last + 1));
        let said = json!({"type": "said", "id": id, "name": name, "text": text}).to_string();
        if history.len() == HISTORY {
            history.pop_front();
        }
        history.push_back((id, said.clone()));
        self.hub.broadcast(room, said);
        self.said.fetch_add(1, Ordering::Relaxed);
    }

    fn forget_if_empty(&self, room: &str) {
        let mut rooms = self.rooms();
        if self.hub.members(room) == 0 {
            rooms.remove(room);
        }
    }

    fn rooms(&self) -> MutexGuard<'_, HashMap<String, Room>> {
        self.rooms.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cleanup]
fn say_how_much(chat: &Chat) {
    println!("{} messages", chat.said.load(Ordering::Relaxed));
}
