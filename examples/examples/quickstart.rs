//! The smallest service: it greets whoever sends a line, and counts.
//!
//! Run:    cargo run --release --example quickstart, then: nc 127.0.0.1 8080   (ADDR=127.0.0.1:0 for any free port)
//! Stop:   Ctrl-C, or `kill` with its pid
//! Prints: `listening on tcp://127.0.0.1:8080`, at the end `greeted 3`; what happens meanwhile is on stderr.
//!
//! At the signal no new connection is accepted, idle ones are closed, whoever waits for an answer gets it; then the cleanup
//! runs and the process exits with 0. What takes longer than 20 s is cut, and the exit code is 3.
#![forbid(unsafe_code)]

use std::env;
use std::io::{self, BufRead as _, BufReader, Write as _};
use std::sync::atomic::{AtomicU64, Ordering};

use graceful::{App, Connection, Readable, StartError, cleanup};

#[derive(Default)]
struct Greeted(AtomicU64);

#[graceful::main]
fn main(app: &App) -> Result<(), StartError> {
    let greeted = app.provide(Greeted::default());
    let address = env::var("ADDR").unwrap_or_else(|_| "127.0.0.1:8080".into());
    let address = app.tcp(address, move |connection| greet(&connection, &greeted))?;
    println!("listening on tcp://{address}");
    Ok(())
}

fn greet(connection: &Connection, greeted: &Greeted) -> io::Result<()> {
    let mut lines = BufReader::new(connection);
    let mut name = String::new();
    // Waits for the next line or for the end of the service, whichever comes first.
    while !lines.buffer().is_empty() || connection.wait_readable(None)? == Readable::Ready {
        name.clear();
        if lines.read_line(&mut name)? == 0 {
            break;
        }
        greeted.0.fetch_add(1, Ordering::Relaxed);
        lines.get_mut().write_all(format!("hello, {}\n", name.trim_end()).as_bytes())?;
    }
    Ok(())
}

#[cleanup]
fn say_how_many(greeted: &Greeted) {
    println!("greeted {}", greeted.0.load(Ordering::Relaxed));
}
