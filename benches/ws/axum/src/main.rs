//! axum's WebSockets on tokio's runtime of several threads. Its graceful shutdown does not know of sockets that were upgraded, so
//! they have the token and the tracker that tokio's page on graceful shutdown has.

use std::collections::HashMap;
use std::io;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use axum::Router;
use axum::extract::State;
use axum::extract::ws::{CloseFrame, Message, Utf8Bytes, WebSocket, WebSocketUpgrade, close_code};
use axum::response::Response;
use axum::routing::any;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::mpsc::{UnboundedSender, unbounded_channel};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

#[derive(Clone, Default)]
struct Service {
    stop: CancellationToken,
    sockets: TaskTracker,
    room: Arc<Room>,
}

/// A channel for each member.
#[derive(Default)]
struct Room {
    members: Mutex<HashMap<u64, UnboundedSender<Message>>>,
    next: AtomicU64,
}

#[tokio::main]
async fn main() -> io::Result<()> {
    let service = Service::default();
    let app = Router::new().route("/ws", any(echo)).route("/room", any(room)).with_state(service.clone());
    let listener = TcpListener::bind(peer::address()).await?;
    let mut term = signal(SignalKind::terminate())?;
    peer::announce(listener.local_addr()?)?;
    let stop = service.stop.clone();
    axum::serve(listener, app)
        .with_graceful_shutdown(async move {
            term.recv().await;
            stop.cancel();
        })
        .await?;
    service.sockets.close();
    // Who has not answered by then is cut.
    let _ = timeout(peer::GOODBYE, service.sockets.wait()).await;
    Ok(())
}

async fn echo(upgrade: WebSocketUpgrade, State(service): State<Service>) -> Response {
    let ticket = service.sockets.token();
    upgrade.on_upgrade(async move |mut socket| {
        loop {
            let message = tokio::select! {
                () = service.stop.cancelled() => break goodbye(socket).await,
                message = socket.recv() => message,
            };
            match message {
                Some(Ok(message @ (Message::Text(_) | Message::Binary(_)))) => {
                    if socket.send(message).await.is_err() {
                        break;
                    }
                }
                Some(Ok(_)) => {}
                Some(Err(_)) | None => break,
            }
        }
        drop(ticket);
    })
}

async fn room(upgrade: WebSocketUpgrade, State(service): State<Service>) -> Response {
    let ticket = service.sockets.token();
    upgrade.on_upgrade(async move |mut socket| {
        let (sender, mut messages) = unbounded_channel();
        let number = service.room.enter(sender);
        loop {
            tokio::select! {
                () = service.stop.cancelled() => break goodbye(socket).await,
                Some(message) = messages.recv() => {
                    if socket.send(message).await.is_err() {
                        break;
                    }
                }
                message = socket.recv() => match message {
                    Some(Ok(message @ (Message::Text(_) | Message::Binary(_)))) => service.room.tell(&message),
                    Some(Ok(_)) => {}
                    Some(Err(_)) | None => break,
                },
            }
        }
        service.room.leave(number);
        drop(ticket);
    })
}

/// Says why it ends, and waits for the answer.
async fn goodbye(mut socket: WebSocket) {
    let close = CloseFrame { code: close_code::AWAY, reason: Utf8Bytes::default() };
    if socket.send(Message::Close(Some(close))).await.is_ok() {
        while let Some(Ok(_)) = socket.recv().await {}
    }
}

impl Room {
    fn enter(&self, sender: UnboundedSender<Message>) -> u64 {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        self.members.lock().unwrap_or_else(PoisonError::into_inner).insert(number, sender);
        number
    }

    fn leave(&self, number: u64) {
        self.members.lock().unwrap_or_else(PoisonError::into_inner).remove(&number);
    }

    fn tell(&self, message: &Message) {
        for member in self.members.lock().unwrap_or_else(PoisonError::into_inner).values() {
            // It fails for one that is about to leave.
            let _ = member.send(message.clone());
        }
    }
}
