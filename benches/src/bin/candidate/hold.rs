//! Holds connections open and tells how many bytes of memory that took.

use std::io::Read as _;
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use graceful::{Connection, Runtime};
use graceful_benches::{Result, raise_descriptors, resident, say};
use nix::sys::socket::{self, Backlog};

use super::unknown;

/// Descriptors beside the connections.
const SPARE: u64 = 64;

const BACKLOG: i32 = 4096;

pub(crate) fn run(program: &str, count: usize) -> Result<()> {
    raise_descriptors(count as u64 + SPARE)?;
    match program {
        "adopt" => adopt(count),
        "vec" => in_vec(count),
        "workers" => with_workers(count),
        "threads" => with_threads(count),
        _ => unknown(program),
    }
}

/// With a queue as long as that of `app.tcp`: one that overflows makes clients wait for a second.
fn listen() -> Result<TcpListener> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    socket::listen(&listener, Backlog::new(BACKLOG)?)?;
    Ok(listener)
}

/// Tracked, with nobody at work on them.
fn adopt(count: usize) -> Result<()> {
    let runtime = Runtime::builder("hold").start()?;
    runtime.app().ready()?;
    let listener = listen()?;
    let mut held: Vec<Connection> = Vec::with_capacity(count);
    say(listener.local_addr()?)?;
    let before = resident()?;
    for _ in 0..count {
        held.push(runtime.app().adopt(listener.accept()?.0)?);
    }
    finish(before)
}

fn in_vec(count: usize) -> Result<()> {
    let listener = listen()?;
    let mut held: Vec<TcpStream> = Vec::with_capacity(count);
    say(listener.local_addr()?)?;
    let before = resident()?;
    for _ in 0..count {
        held.push(listener.accept()?.0);
    }
    finish(before)
}

/// Each in a handler that waits for its first request.
fn with_workers(count: usize) -> Result<()> {
    let runtime = Runtime::builder("hold").workers(count).start()?;
    let begun = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&begun);
    let local = runtime.app().tcp("127.0.0.1:0", move |connection: Connection| {
        counted.fetch_add(1, Ordering::SeqCst);
        connection.wait_readable(None).map(drop)
    })?;
    runtime.app().ready()?;
    let before = resident()?;
    say(local)?;
    await_all(&begun, count);
    finish(before)
}

fn with_threads(count: usize) -> Result<()> {
    let listener = listen()?;
    let begun = Arc::new(AtomicUsize::new(0));
    let before = resident()?;
    say(listener.local_addr()?)?;
    for _ in 0..count {
        let mut stream = listener.accept()?.0;
        let counted = Arc::clone(&begun);
        thread::Builder::new().spawn(move || {
            counted.fetch_add(1, Ordering::SeqCst);
            stream.read(&mut [0])
        })?;
    }
    await_all(&begun, count);
    finish(before)
}

fn await_all(begun: &AtomicUsize, count: usize) {
    while begun.load(Ordering::SeqCst) < count {
        thread::sleep(Duration::from_millis(1));
    }
    // The last ones are still on their way to sleep.
    thread::sleep(Duration::from_millis(20));
}

/// Ends the process at once: what it held ends with it.
fn finish(before: u64) -> Result<()> {
    say(resident()?.saturating_sub(before))?;
    std::process::exit(0)
}
