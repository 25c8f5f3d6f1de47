//! A service whose start can fail or take long at every point: `GF_BEGIN`, `GF_MIDDLE` (between providing A and B),
//! `GF_END` (before it is ready) and `GF_MAIN` (once it is).
//!
//! `GF_BIND=127.0.0.1:8080` is bound before B is provided, with a listener of the standard library; `GF_TCP=…` with one of
//! the framework's.
#![forbid(unsafe_code)]

use std::net::TcpListener;

use graceful::{App, BoxError, Connection, cleanup};
use graceful_tests::fixture::{act_until, hook, say, setting};

struct A;
struct B;

#[graceful::main(timeout = "10s", drain = "3s", tasks = "500ms", flush = "1s")]
fn main(app: &App) -> Result<(), BoxError> {
    let stop = app.stop();
    say("main began");
    act_until("begin", &stop)?;
    app.provide(A);
    say("provided A");
    act_until("middle", &stop)?;
    if let Some(address) = setting("bind") {
        drop(TcpListener::bind(address)?);
    }
    if let Some(address) = setting("tcp") {
        app.tcp(address.as_str(), |connection: Connection| drop(connection))?;
    }
    app.provide(B);
    say("provided B");
    act_until("end", &stop)?;
    app.ready()?;
    say("ready");
    act_until("main", &stop)
}

#[cleanup(order = 10, timeout = "1s")]
fn close_b(_: &B) -> Result<(), BoxError> {
    hook("close_b")
}

#[cleanup(order = 20, timeout = "1s")]
fn close_a(_: &A) -> Result<(), BoxError> {
    hook("close_a")
}

#[cleanup(order = 30, timeout = "1s")]
fn always() -> Result<(), BoxError> {
    hook("always")
}
