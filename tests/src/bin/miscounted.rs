//! A hook fewer than expected, as when a crate is not linked: it does not start.
#![forbid(unsafe_code)]

use graceful::cleanup;
use graceful_tests::fixture::say;

#[graceful::main(expect_hooks = 2)]
fn main() {
    say("main began");
}

#[cleanup]
fn close() {}
