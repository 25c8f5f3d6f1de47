//! An event loop of one's own on mio, in the same drain: lines (of up to 64 KiB) come back in capital letters.
//!
//! Run:    cargo run --release --example foreign_mio, then: nc 127.0.0.1 8080   (ADDR=127.0.0.1:0 for any free port)
//! Stop:   Ctrl-C, or `kill` with its pid
//! Prints: `listening on tcp://127.0.0.1:8080`
//!
//! Woken at the stop, it accepts who waits, closes the listener and who is idle, and goes on until the last client has its
//! answer. Each client holds a ticket: the report counts those who are there at the drain's deadline, and the exit code is 3.
#![forbid(unsafe_code)]

use std::collections::HashMap;
use std::env;
use std::io::{self, ErrorKind, Read as _, Write as _};
use std::sync::Arc;
use std::time::Duration;

use graceful::{App, BoxError, Ticket};
use mio::net::{TcpListener, TcpStream};
use mio::{Events, Interest, Poll, Token, Waker};

#[graceful::main]
fn main(app: &App) -> Result<(), BoxError> {
    let mut listener = TcpListener::bind(env::var("ADDR").as_deref().unwrap_or("127.0.0.1:8080").parse()?)?;
    let (mut poll, mut events, mut clients) = (Poll::new()?, Events::with_capacity(256), HashMap::new());
    poll.registry().register(&mut listener, Token(0), Interest::READABLE)?;
    let ticket = app.ticket("mio")?;
    let stop = ticket.stop().clone();
    stop.wake(Arc::new(Waker::new(poll.registry(), Token(1))?));
    app.ready()?;
    println!("listening on tcp://{}", listener.local_addr()?);
    let (mut door, mut pause, mut last) = (Some((listener, ticket)), Duration::from_secs(1), 1);
    loop {
        match poll.poll(&mut events, Some(pause)) {
            Err(error) if error.kind() != ErrorKind::Interrupted => return Err(error.into()),
            _ => {}
        }
        // Asked before the queue is: who came before the stop is accepted. An error: nobody waits, or the next look tells.
        let stopping = stop.is_stopping();
        while let Some((listener, ticket)) = &door
            && let Ok((mut stream, _)) = listener.accept()
        {
            last += 1;
            poll.registry().register(&mut stream, Token(last), Interest::READABLE | Interest::WRITABLE)?;
            clients.insert(Token(last), Client { stream, buffer: vec![], ready: 0, _ticket: ticket.clone() });
        }
        drop(door.take_if(|_| stopping)); // at once: who connects after the last `accept` is reset
        for event in &events {
            if clients.get_mut(&event.token()).is_some_and(|client| !client.advance()) {
                clients.remove(&event.token());
            }
        }
        if stopping {
            // Who is idle is closed once all were silent for a pause: a client may be sending just now.
            clients.retain(|_, client| client.advance() && !(events.is_empty() && client.buffer.is_empty()));
            // Or the drain is over, and those who are left have been counted.
            if clients.is_empty() || app.stop().is_cancelled() {
                return Ok(());
            }
            pause = Duration::from_millis(50);
        }
    }
}

struct Client {
    stream: TcpStream,
    buffer: Vec<u8>,
    ready: usize, // of the buffer; what follows is the beginning of a line
    _ticket: Ticket,
}

impl Client {
    /// Goes on as far as it can without waiting; false at the end of the connection.
    fn advance(&mut self) -> bool {
        loop {
            match if self.ready == 0 { self.receive() } else { self.send() } {
                Ok(0) => return false,
                Ok(_) => {}
                Err(error) => return error.kind() == ErrorKind::WouldBlock,
            }
        }
    }

    fn receive(&mut self) -> io::Result<usize> {
        let mut chunk = [0; 4096];
        let read = self.stream.read(&mut chunk)?;
        self.buffer.extend(&chunk[..read]);
        self.ready = self.buffer.iter().rposition(|byte| *byte == b'\n').map_or(0, |end| end + 1);
        self.buffer[..self.ready].make_ascii_uppercase();
        Ok(if self.buffer.len() > 64 * 1024 { 0 } else { read })
    }

    fn send(&mut self) -> io::Result<usize> {
        let sent = self.stream.write(&self.buffer[..self.ready])?;
        self.buffer.drain(..sent);
        self.ready -= sent;
        Ok(sent)
    }
}
