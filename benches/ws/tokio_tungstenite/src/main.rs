//! tokio-tungstenite on tokio's runtime of several threads: its examples of an echo and of a chat, with the token and the tracker
//! that tokio's page on graceful shutdown has.

use std::collections::HashMap;
use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};

use futures_util::{SinkExt as _, StreamExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::mpsc::{UnboundedSender, unbounded_channel};
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::handshake::server::{Request, Response};
use tokio_tungstenite::tungstenite::protocol::CloseFrame;
use tokio_tungstenite::tungstenite::protocol::frame::Utf8Bytes;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
use tokio_tungstenite::{WebSocketStream, accept_hdr_async};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

type Socket = WebSocketStream<TcpStream>;

/// A channel for each member.
type Room = Arc<Mutex<HashMap<SocketAddr, UnboundedSender<Message>>>>;

#[tokio::main]
async fn main() -> io::Result<()> {
    let listener = TcpListener::bind(peer::address()).await?;
    let mut term = signal(SignalKind::terminate())?;
    peer::announce(listener.local_addr()?)?;
    let (stop, sockets, room) = (CancellationToken::new(), TaskTracker::new(), Room::default());
    loop {
        tokio::select! {
            _ = term.recv() => break,
            accepted = listener.accept() => {
                let (stream, address) = accepted?;
                sockets.spawn(serve(stream, address, stop.clone(), Arc::clone(&room)));
            }
        }
    }
    drop(listener);
    stop.cancel();
    sockets.close();
    // Who has not answered by then is cut.
    let _ = timeout(peer::GOODBYE, sockets.wait()).await;
    Ok(())
}

async fn serve(stream: TcpStream, address: SocketAddr, stop: CancellationToken, room: Room) {
    let mut in_room = false;
    #[allow(clippy::result_large_err, reason = "the signature is the library's")]
    let look = |request: &Request, response: Response| {
        in_room = request.uri().path() == "/room";
        Ok(response)
    };
    // A client that does not get through its handshake does not hold up the end.
    let socket = tokio::select! {
        () = stop.cancelled() => return,
        socket = accept_hdr_async(stream, look) => socket,
    };
    match socket {
        Ok(socket) if in_room => chat(socket, address, stop, room).await,
        Ok(socket) => echo(socket, stop).await,
        Err(_) => {}
    }
}

async fn echo(mut socket: Socket, stop: CancellationToken) {
    loop {
        let message = tokio::select! {
            () = stop.cancelled() => return goodbye(socket).await,
            message = socket.next() => message,
        };
        match message {
            Some(Ok(message @ (Message::Text(_) | Message::Binary(_)))) => {
                if socket.send(message).await.is_err() {
                    return;
                }
            }
            Some(Ok(_)) => {}
            Some(Err(_)) | None => return,
        }
    }
}

async fn chat(mut socket: Socket, address: SocketAddr, stop: CancellationToken, room: Room) {
    let (sender, mut messages) = unbounded_channel();
    room.lock().unwrap_or_else(PoisonError::into_inner).insert(address, sender);
    loop {
        tokio::select! {
            () = stop.cancelled() => break goodbye(socket).await,
            Some(message) = messages.recv() => {
                if socket.send(message).await.is_err() {
                    break;
                }
            }
            message = socket.next() => match message {
                Some(Ok(message @ (Message::Text(_) | Message::Binary(_)))) => {
                    for member in room.lock().unwrap_or_else(PoisonError::into_inner).values() {
                        // It fails for one that is about to leave.
                        let _ = member.send(message.clone());
                    }
                }
                Some(Ok(_)) => {}
                Some(Err(_)) | None => break,
            },
        }
    }
    room.lock().unwrap_or_else(PoisonError::into_inner).remove(&address);
}

/// Says why it ends, and waits for the answer.
async fn goodbye(mut socket: Socket) {
    let close = CloseFrame { code: CloseCode::Away, reason: Utf8Bytes::default() };
    if socket.close(Some(close)).await.is_ok() {
        while let Some(Ok(_)) = socket.next().await {}
    }
}
