//! Hooks of several orders and phases. `left` and `right` have the same order and wait for each other: they come to their
//! end only if they run in parallel.
#![forbid(unsafe_code)]

use std::sync::Barrier;

use graceful::{App, BoxError, Task, cleanup};
use graceful_tests::fixture::{hook, say};

static BOTH: Barrier = Barrier::new(2);

#[graceful::main(timeout = "30s", lame_duck = "300ms")]
fn main(app: &App) -> Result<(), BoxError> {
    app.task(Task::long_running("worker", |args: &mut graceful::Args<'_>| {
        args.stop().wait();
        say("worker ended");
    }))?;
    app.ready()?;
    say("ready");
    Ok(())
}

#[cleanup(order = 7)]
fn late() -> Result<(), BoxError> {
    hook("late")
}

#[cleanup]
fn left() -> Result<(), BoxError> {
    BOTH.wait();
    hook("left")
}

#[cleanup]
fn right() -> Result<(), BoxError> {
    BOTH.wait();
    hook("right")
}

#[cleanup(order = -7)]
fn early() -> Result<(), BoxError> {
    hook("early")
}

#[cleanup(phase = "before_drain", order = 100)]
fn leave(app: &App) -> Result<(), BoxError> {
    say(&format!("leave in {} ready {}", app.phase().name(), app.is_ready()));
    hook("leave")
}

#[cleanup(phase = "flush", order = -100, name = "send the rest")]
fn send() -> Result<(), BoxError> {
    hook("send")
}
