//! tiny_http in the same drain: who waits in the queue of its listener is accepted, and what was asked is answered.
//!
//! Run:    cargo run --release --example foreign_tiny_http, then: curl -d 'some text' 127.0.0.1:8080   (ADDR=HOST:PORT)
//! Stop:   Ctrl-C, or `kill` with its pid
//! Prints: `listening on http://127.0.0.1:8080`
//!
//! tiny_http accepts on a thread of its own, and its `unblock` leaves that thread and the listener alone. So they are ended
//! through a second handle of the listener: once that does not block any more, the thread takes what waits in the queue, finds
//! nothing more, and gives up, which `recv` reports as an error.
//!
//! What tiny_http cannot do: say `Connection: close`, or tell how many connections are open. Clients that keep theirs are heard
//! until all of them have been silent for `QUIET`; who sends after that, or takes longer over the head of a request, finds the
//! connection closed. It also has faults that no drain can mend: of many clients that come at once and keep their connections
//! it hears only some, and after an error of `accept`, as when descriptors run out, none; the service ends then.
#![forbid(unsafe_code)]

use std::env;
use std::io::{self, Read as _};
use std::net::{TcpListener, TcpStream};
use std::thread;
use std::time::Duration;

use graceful::{App, BoxError, Ticket};
use tiny_http::{Request, Response, Server};

/// How long all clients must have been silent before the last of them are closed.
const QUIET: Duration = Duration::from_millis(500);

#[graceful::main]
fn main(app: &App) -> Result<(), BoxError> {
    let listener = TcpListener::bind(env::var("ADDR").unwrap_or_else(|_| "127.0.0.1:8080".into()))?;
    let (address, handle) = (listener.local_addr()?, listener.try_clone()?);
    let server = Server::from_listener(listener, None)?;
    let ticket = app.ticket("tiny_http")?;
    ticket.stop().on_stop(move || {
        if handle.set_nonblocking(true).is_ok() {
            // A last visitor, in case that nobody else ends the wait. Nobody is there to hear it if someone did.
            drop(TcpStream::connect(address));
        }
    })?;
    app.ready()?;
    println!("listening on http://{address}");

    let end = loop {
        match server.recv() {
            Ok(request) => answer(request, ticket.clone()),
            Err(error) => break error,
        }
    };
    if !ticket.stop().is_stopping() {
        return Err(end.into());
    }
    // The listener is closed. Those whom it let in may still be sending, until the drain is nearly over.
    while !ticket.stop().is_cancelled()
        && let Some(request) = server.recv_timeout(QUIET)?
    {
        answer(request, ticket.clone());
    }
    Ok(())
}

/// Answers on a thread of its own. The ticket keeps the drain open until that has happened.
fn answer(request: Request, ticket: Ticket) {
    let spawned = thread::Builder::new().name("request".into()).spawn(move || {
        if let Err(error) = shout(request) {
            eprintln!("a request ended early: {error}");
        }
        drop(ticket);
    });
    if let Err(error) = spawned {
        // tiny_http answers a request that is dropped with 500.
        eprintln!("no thread for a request: {error}");
    }
}

fn shout(mut request: Request) -> io::Result<()> {
    let mut text = Vec::new();
    request.as_reader().take(1 << 20).read_to_end(&mut text)?;
    text.make_ascii_uppercase();
    request.respond(Response::from_data(text))
}
