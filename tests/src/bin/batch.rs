//! A program that does its work and ends: nothing is started that outlives `main`. `GF_MAIN` says what the work is.
#![forbid(unsafe_code)]

use graceful::{App, BoxError, cleanup};
use graceful_tests::fixture::{act_until, hook, say};

struct Work;

#[graceful::main(timeout = "10s", incomplete_exit_code = 0)]
fn main(app: &App) -> Result<(), BoxError> {
    app.give(Work);
    say("working");
    act_until("main", &app.stop())?;
    say("worked");
    Ok(())
}

#[cleanup(timeout = "1s")]
fn close(_: Work) -> Result<(), BoxError> {
    hook("close")
}
