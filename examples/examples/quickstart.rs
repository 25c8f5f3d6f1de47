//! The smallest service: it greets over HTTP, and counts.
//!
//! Run:    cargo run --release --example quickstart, then: curl http://127.0.0.1:8080/hello/you   (ADDR=127.0.0.1:0: any free port)
//! Stop:   Ctrl-C, or `kill` with its pid
//! Prints: `listening on http://127.0.0.1:8080`, at the end `greeted 3`; what happens meanwhile is on stderr.
//!
//! At the signal no new connection is accepted, requests that have arrived are answered, idle connections are closed; then the
//! cleanup runs and the process exits with 0. What takes longer than 20 s is cut, and the exit code is 3.
#![forbid(unsafe_code)]

use std::env;
use std::sync::atomic::{AtomicU64, Ordering};

use graceful::http::{Request, Router};
use graceful::{App, StartError, cleanup};

#[derive(Default)]
struct Greeted(AtomicU64);

#[graceful::main]
fn main(app: &App) -> Result<(), StartError> {
    app.provide(Greeted::default());
    let routes = Router::new().get("/", || "Hello, World!\n").get("/hello/{name}", greet);
    let address = app.http(env::var("ADDR").unwrap_or_else(|_| "127.0.0.1:8080".into()), routes)?;
    println!("listening on http://{address}");
    Ok(())
}

/// An ordinary function, which may block. `&Greeted` is filled in by its type.
fn greet(greeted: &Greeted, request: Request) -> String {
    greeted.0.fetch_add(1, Ordering::Relaxed);
    format!("hello, {}\n", request.param("name").unwrap_or("you"))
}

#[cleanup]
fn say_how_many(greeted: &Greeted) {
    println!("greeted {}", greeted.0.load(Ordering::Relaxed));
}
