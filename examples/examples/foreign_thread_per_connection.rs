//! A server of one's own: a `TcpListener`, a loop that accepts, a thread for each connection. It drains like the built-in one.
//!
//! Run:    cargo run --release --example foreign_thread_per_connection, then: nc 127.0.0.1 8080   (ADDR=HOST:PORT)
//! Stop:   Ctrl-C, or `kill` with its pid
//! Prints: `listening on tcp://127.0.0.1:8080`
//!
//! Three things make the loop take part:
//! - the ticket keeps the drain open until the loop has ended;
//! - `stop.accept` returns connections until it is time to stop and then until none is waiting any more;
//! - `app.adopt` puts a connection on the books: it is counted, waited for, and cut at the drain's deadline.
#![forbid(unsafe_code)]

use std::env;
use std::io::{self, BufRead as _, BufReader, Write as _};
use std::net::TcpListener;
use std::thread;

use graceful::{App, BoxError, Connection, Readable};

#[graceful::main]
fn main(app: &App) -> Result<(), BoxError> {
    let listener = TcpListener::bind(env::var("ADDR").unwrap_or_else(|_| "127.0.0.1:8080".into()))?;
    let ticket = app.ticket("accept loop")?;
    app.ready()?;
    println!("listening on tcp://{}", listener.local_addr()?);
    while let Some((stream, peer)) = ticket.stop().accept(&listener)? {
        let connection = app.adopt(stream)?;
        let spawned = thread::Builder::new().name("connection".into()).spawn(move || {
            if let Err(error) = shout(&connection) {
                eprintln!("{peer}: {error}");
            }
        });
        if let Err(error) = spawned {
            eprintln!("{peer}: no thread for it: {error}");
        }
    }
    // At once: whoever connected after the last `accept` would be reset otherwise.
    drop(listener);
    Ok(())
}

fn shout(connection: &Connection) -> io::Result<()> {
    let mut lines = BufReader::new(connection);
    let mut line = String::new();
    while !lines.buffer().is_empty() || connection.wait_readable(None)? == Readable::Ready {
        line.clear();
        if lines.read_line(&mut line)? == 0 {
            break;
        }
        lines.get_mut().write_all(line.to_uppercase().as_bytes())?;
    }
    Ok(())
}
