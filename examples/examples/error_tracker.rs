//! An error tracker (Sentry) that gets the last error, too: it is flushed in the flush phase, after everything that may fail.
//!
//! Run:    SENTRY_DSN=https://KEY@HOST/PROJECT cargo run --release --example error_tracker, then:
//!         curl http://127.0.0.1:8080/fail (ADDR=HOST:PORT; without SENTRY_DSN errors go nowhere)
//! Stop:   Ctrl-C, or `kill` with its pid
//! Prints: `listening on http://127.0.0.1:8080`
//!
//! The tracker sends from a thread of its own, so what it was told last would be lost with the process. The hook gives it the
//! time that it has; when that is not enough, the report says so, and the exit code is 3.
#![forbid(unsafe_code)]

use std::env;
use std::io;

use graceful::http::{Error, Failure, Next, Request, Response, Router};
use graceful::{App, BoxError, Deadline, cleanup};
use sentry::{ClientInitGuard, Level};

#[graceful::main(timeout = "20s", flush = "3s")]
fn main(app: &App) -> Result<(), BoxError> {
    // Reads SENTRY_DSN. Threads that are started from here on know it.
    app.provide(sentry::init(sentry::ClientOptions::default()));
    let routes = Router::new().get("/", || "well\n").get("/fail", fail).with(track);
    let address = app.http(env::var("ADDR").unwrap_or_else(|_| "127.0.0.1:8080".into()), routes)?;
    println!("listening on http://{address}");
    Ok(())
}

fn fail() -> Result<(), Error> {
    Err(io::Error::other("the shelf is empty"))?
}

/// Whatever a handler fails with is told to the tracker, which returns at once.
fn track(request: Request, next: Next<'_>) -> Response {
    let response = next.run(request);
    if let Some(failure) = response.extensions().get::<Failure>() {
        sentry::capture_message(&failure.to_string(), Level::Error);
    }
    response
}

/// The tracker hears of what goes wrong here as well.
#[cleanup(order = 10, timeout = "1s")]
fn last_words() {
    sentry::capture_message("the service has stopped", Level::Info);
}

#[cleanup(phase = "flush", timeout = "2s")]
fn flush_tracker(tracker: &ClientInitGuard, deadline: Deadline) -> Result<(), BoxError> {
    match tracker.close(Some(deadline.remaining())) {
        true => Ok(()),
        false => Err("errors were not sent in time".into()),
    }
}
