//! Two hooks that take the same value: it does not start.
#![forbid(unsafe_code)]

use graceful::{App, cleanup};
use graceful_tests::fixture::say;

struct Pool;

#[graceful::main]
fn main(app: &App) {
    say("main began");
    app.give(Pool);
}

#[cleanup]
fn one(_: Pool) {}

#[cleanup(order = 1)]
fn two(_: Pool) {}
