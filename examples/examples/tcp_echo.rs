//! Bytes come back as they were sent; a connection that is idle when the service stops is closed politely.
//!
//! Run:    cargo run --release --example tcp_echo, then: nc 127.0.0.1 8080   (ADDR=127.0.0.1:0 for any free port)
//! Stop:   Ctrl-C, or `kill` with its pid
//! Prints: `listening on tcp://127.0.0.1:8080`
//!
//! A handler that just reads until the end of the stream works, too, but it cannot tell a client that waits from one that
//! is about to send: at the stop it would be waited for until the drain's deadline, then cut. `wait_readable` makes the
//! difference: it returns when bytes have arrived or when it is time to leave, so nothing that was sent stays unanswered.
#![forbid(unsafe_code)]

use std::env;
use std::io::{self, Read as _, Write as _};
use std::time::Duration;

use graceful::{App, Connection, Readable, StartError};

/// A stream of bytes has no requests with an end: when the service stops, one that pauses for longer is taken to be idle.
const GAP: Option<Duration> = Some(Duration::from_millis(50));

#[graceful::main]
fn main(app: &App) -> Result<(), StartError> {
    let address = env::var("ADDR").unwrap_or_else(|_| "127.0.0.1:8080".into());
    let address = app.tcp(address, echo)?;
    println!("listening on tcp://{address}");
    Ok(())
}

/// Runs on a thread of its own for each connection, so it may block.
fn echo(mut connection: Connection) -> io::Result<()> {
    // A client that does not read its answers must not keep this thread for ever.
    connection.set_write_timeout(Some(Duration::from_secs(30)))?;
    let mut buffer = [0; 4096];
    while connection.wait_readable(None)? == Readable::Ready || connection.wait_readable(GAP)? == Readable::Ready {
        let read = connection.read(&mut buffer)?;
        if read == 0 {
            break;
        }
        connection.write_all(&buffer[..read])?;
    }
    Ok(())
}
