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

const LISTENER: Token = Token(0);
const WAKER: Token = Token(1);

#[graceful::main]
fn main(app: &App) -> Result<(), BoxError> {
    let mut listener = TcpListener::bind(env::var("ADDR").as_deref().unwrap_or("127.0.0.1:8080").parse()?)?;
    let (mut poll, mut events, mut clients) = (Poll::new()?, Events::with_capacity(256), HashMap::new());
    poll.registry().register(&mut listener, LISTENER, Interest::READABLE)?;
    let ticket = app.ticket("mio")?;
    let stop = ticket.stop().clone();
    stop.wake(Arc::new(Waker::new(poll.registry(), WAKER)?));
    app.ready()?;
    println!("listening on tcp://{}", listener.local_addr()?);
    let (mut door, mut pause, mut last) = (Some((listener, ticket)), Duration::from_secs(1), WAKER.0);
    loop {
        match poll.poll(&mut events, Some(pause)) {
            Err(error) if error.kind() != ErrorKind::Interrupted => return Err(error.into()),
            _ => {}
        }
        // Asked before the queue is: who came before the stop is accepted. An error: nobody waits, or the next look will tell.
        let stopping = stop.is_stopping();
        while let Some((listener, ticket)) = &door
            && let Ok((mut stream, _)) = listener.accept()
        {
            last += 1;
            poll.registry().register(&mut stream, Token(last), Interest::READABLE | Interest::WRITABLE)?;
            clients.insert(Token(last), Client { stream, input: vec![], output: vec![], _ticket: ticket.clone() });
        }
        for event in &events {
            if clients.get_mut(&event.token()).is_some_and(|client| !client.advance()) {
                clients.remove(&event.token());
            }
        }
        if stopping {
            door = None;
            clients.retain(|_, client| client.advance() && !(client.input.is_empty() && client.output.is_empty()));
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
    input: Vec<u8>,
    output: Vec<u8>,
    _ticket: Ticket,
}

impl Client {
    /// Goes on as far as it can without waiting; false at the end of the connection.
    fn advance(&mut self) -> bool {
        loop {
            match if self.output.is_empty() { self.receive() } else { self.send() } {
                Ok(0) => return false,
                Ok(_) => {}
                Err(error) => return error.kind() == ErrorKind::WouldBlock,
            }
        }
    }

    fn receive(&mut self) -> io::Result<usize> {
        let mut buffer = [0; 4096];
        let read = self.stream.read(&mut buffer)?;
        self.input.extend(&buffer[..read]);
        let whole = self.input.iter().rposition(|byte| *byte == b'\n').map_or(0, |end| end + 1);
        self.output.extend(self.input.drain(..whole).map(|byte| byte.to_ascii_uppercase()));
        Ok(if self.input.len() > 64 * 1024 { 0 } else { read })
    }

    fn send(&mut self) -> io::Result<usize> {
        let sent = self.stream.write(&self.output)?;
        self.output.drain(..sent);
        Ok(sent)
    }
}
