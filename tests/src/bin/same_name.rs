//! Two hooks of the same name: it does not start.
#![forbid(unsafe_code)]

use graceful::cleanup;
use graceful_tests::fixture::say;

#[graceful::main]
fn main() {
    say("main began");
}

#[cleanup]
fn close() {}

#[cleanup(name = "close")]
fn close_too() {}
