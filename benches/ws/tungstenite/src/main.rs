//! tungstenite with a thread for each connection, as its documentation has it. So that others than its own thread may write to a
//! socket, for a room and for the stop signal, each has a lock around its writing half.

use std::collections::HashMap;
use std::io::{self, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;

use signal_hook::consts::SIGTERM;
use signal_hook::iterator::Signals;
use tungstenite::handshake::server::{Request, Response};
use tungstenite::protocol::CloseFrame;
use tungstenite::protocol::frame::coding::{CloseCode, Data, OpCode};
use tungstenite::protocol::frame::{Frame, Utf8Bytes};
use tungstenite::{Message, accept_hdr};

/// Who is connected, and which path each asked for.
#[derive(Default)]
struct Clients {
    all: Mutex<HashMap<u64, (Path, Arc<Client>)>>,
    left: Condvar,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Path {
    Echo,
    Room,
}

/// A connection. Whoever writes to it has the lock.
struct Client {
    stream: TcpStream,
    out: Mutex<Out>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Out {
    /// The Close was the last frame, so nothing may follow it.
    Closed,
    Open,
}

/// A connection, as tungstenite wants it.
struct Stream(Arc<Client>);

fn main() -> io::Result<()> {
    let mut signals = Signals::new([SIGTERM])?;
    let listener = TcpListener::bind(peer::address())?;
    let address = listener.local_addr()?;
    let (clients, stopping) = (Arc::new(Clients::default()), Arc::new(AtomicBool::new(false)));
    let acceptor = {
        let (clients, stopping) = (Arc::clone(&clients), Arc::clone(&stopping));
        thread::spawn(move || accept(&listener, &clients, &stopping))
    };
    peer::announce(address)?;
    signals.forever().next();
    stopping.store(true, Ordering::Relaxed);
    // It wakes the acceptor, which drops the listener.
    drop(TcpStream::connect(address));
    drop(acceptor.join());
    clients.say_goodbye();
    Ok(())
}

fn accept(listener: &TcpListener, clients: &Arc<Clients>, stopping: &AtomicBool) -> io::Result<()> {
    for (number, stream) in (0..).zip(listener.incoming()) {
        if stopping.load(Ordering::Relaxed) {
            return Ok(());
        }
        let (stream, clients) = (stream?, Arc::clone(clients));
        thread::Builder::new().spawn(move || {
            // It fails when the client is gone.
            drop(serve(number, stream, &clients));
            clients.leave(number);
        })?;
    }
    Ok(())
}

fn serve(number: u64, stream: TcpStream, clients: &Clients) -> Result<(), Box<dyn std::error::Error>> {
    let client = Arc::new(Client { stream, out: Mutex::new(Out::Open) });
    let mut path = Path::Echo;
    #[allow(clippy::result_large_err, reason = "the signature is the library's")]
    let look = |request: &Request, response: Response| {
        path = if request.uri().path() == "/room" { Path::Room } else { Path::Echo };
        Ok(response)
    };
    let mut socket = accept_hdr(Stream(Arc::clone(&client)), look).map_err(|error| error.to_string())?;
    clients.all().insert(number, (path, client));
    loop {
        match socket.read()? {
            message @ (Message::Text(_) | Message::Binary(_)) if path == Path::Echo => socket.send(message)?,
            Message::Text(text) => clients.tell(&frame(text, Data::Text)?),
            Message::Binary(bytes) => clients.tell(&frame(bytes, Data::Binary)?),
            _ => {}
        }
    }
}

fn frame(payload: impl Into<tungstenite::Bytes>, kind: Data) -> tungstenite::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    Frame::message(payload, OpCode::Data(kind), true).format(&mut bytes)?;
    Ok(bytes)
}

impl Clients {
    fn all(&self) -> MutexGuard<'_, HashMap<u64, (Path, Arc<Client>)>> {
        self.all.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn leave(&self, number: u64) {
        self.all().remove(&number);
        self.left.notify_all();
    }

    /// To all in the room.
    fn tell(&self, frame: &[u8]) {
        for (_, client) in self.all().values().filter(|(path, _)| *path == Path::Room) {
            // It fails for one that is about to leave.
            drop(client.write(frame, Out::Open));
        }
    }

    /// Says why it ends, and waits for the answers.
    fn say_goodbye(&self) {
        let mut close = Vec::new();
        let reason = CloseFrame { code: CloseCode::Away, reason: Utf8Bytes::default() };
        // It cannot fail: a vector takes all.
        drop(Frame::close(Some(reason)).format(&mut close));
        for (_, client) in self.all().values() {
            drop(client.write(&close, Out::Closed));
        }
        // Who has not answered by then is cut.
        drop(self.left.wait_timeout_while(self.all(), peer::GOODBYE, |all| !all.is_empty()));
    }
}

impl Client {
    /// Nothing is written any more once it is closed.
    fn write(&self, bytes: &[u8], then: Out) -> io::Result<()> {
        let mut out = self.out.lock().unwrap_or_else(PoisonError::into_inner);
        if *out == Out::Closed {
            return Ok(());
        }
        *out = then;
        (&self.stream).write_all(bytes)
    }
}

impl Read for Stream {
    fn read(&mut self, room: &mut [u8]) -> io::Result<usize> {
        (&self.0.stream).read(room)
    }
}

impl Write for Stream {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.write(bytes, Out::Open)?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
