//! The WebSocket of changes.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use graceful::BoxError;
use graceful::http::{Request, Response};
use graceful::websocket::{Handler, Hub, Message, Socket, WebSocket};
use serde_json::json;

use crate::store::{Db, Order};

/// Everybody who listens. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Feed {
    hub: Hub,
    settings: WebSocket,
    /// The last order that was shown.
    shown: Arc<Mutex<i64>>,
}

const ROOM: &str = "orders";

/// So many orders are read at a time for who comes later.
const PAGE: usize = 1000;

impl Feed {
    /// All orders up to that id were shown already.
    pub(crate) fn new(shown: i64) -> Self {
        let settings = WebSocket::new()
            .farewell(json!({"type": "ServerShutdown"}).to_string())
            .notice(Duration::from_millis(500))
            .close_reason("service restart")
            .close_timeout(Duration::from_secs(5))
            .message_limit(1024);
        Self { hub: Hub::new(), settings, shown: Arc::new(Mutex::new(shown)) }
    }

    /// Shows these orders, each once.
    pub(crate) fn show(&self, orders: &[Order]) {
        let mut shown = self.shown.lock().unwrap_or_else(PoisonError::into_inner);
        for order in orders.iter().filter(|order| order.id > *shown) {
            self.hub.broadcast(ROOM, order.json().to_string());
        }
        *shown = orders.last().map_or(*shown, |last| last.id.max(*shown));
    }

    pub(crate) fn enter(&self, request: &Request, db: &Db, after: Option<i64>) -> Response {
        self.settings.upgrade(request, Listener { feed: self.clone(), db: Arc::clone(db), after })
    }
}

struct Listener {
    feed: Feed,
    db: Db,
    after: Option<i64>,
}

impl Handler for Listener {
    /// The lock is held for both: nothing is missed in between, and nothing comes twice.
    fn on_open(&mut self, socket: &Socket) -> Result<(), BoxError> {
        let shown = self.feed.shown.lock().unwrap_or_else(PoisonError::into_inner);
        let mut after = self.after.unwrap_or(*shown);
        while after < *shown {
            let page = self.db.after(after, PAGE)?;
            for order in page.iter().filter(|order| order.id <= *shown) {
                socket.send(order.json().to_string())?;
            }
            after = page.last().map_or(*shown, |last| last.id);
        }
        self.feed.hub.join(ROOM, socket);
        Ok(())
    }

    /// Listeners have nothing to say.
    fn on_message(&mut self, _: &Socket, _: Message) -> Result<(), BoxError> {
        Ok(())
    }
}
