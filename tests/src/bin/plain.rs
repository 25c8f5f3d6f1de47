//! A service with a hook at every point: `leave` before the drain, `first`, `second` and `third` in the cleanup, `last` at
//! the flush. What each does beside printing is said by `GF_LEAVE`, `GF_FIRST`, …; see `graceful_tests::fixture`.
//!
//! `GF_TICKET=forever` keeps the drain open until it is cut, `GF_TICKET=polite` until it is told to leave, `GF_TICKET=300`
//! for so many milliseconds after it began. `GF_BEFORE` is what `main` does first, `GF_MAIN` what it does once it is ready,
//! or once `run` has returned, if `GF_RUN` is there.
#![forbid(unsafe_code)]

use std::thread;
use std::time::Duration;

use graceful::{App, BoxError, Ticket, cleanup};
use graceful_tests::fixture::{act, act_until, hook, install_logger, say, setting};

#[graceful::main(timeout = "10s", lame_duck = "0s", drain = "3s", tasks = "1s", flush = "1s")]
fn main(app: &App) -> Result<(), BoxError> {
    install_logger();
    say("main began");
    act("before")?;
    if let Some(manner) = setting("ticket") {
        let ticket = app.ticket("work")?;
        thread::spawn(move || work(&ticket, &manner));
    }
    app.ready()?;
    say("ready");
    if setting("run").is_some() {
        let reason = app.run()?;
        say(&format!("run returned in {}: {}", app.phase().name(), reason.kind()));
    }
    act_until("main", &app.stop())
}

fn work(ticket: &Ticket, manner: &str) {
    ticket.stop().wait();
    say("work was told to stop");
    match manner {
        "polite" => ticket.stop().wait_cancelled(),
        "forever" => loop {
            thread::park();
        },
        millis => thread::sleep(Duration::from_millis(millis.parse().expect("GF_TICKET is a number"))),
    }
    say("work is done");
}

#[cleanup(phase = "before_drain", timeout = "1s")]
fn leave() -> Result<(), BoxError> {
    hook("leave")
}

#[cleanup(order = 10, timeout = "1s")]
fn first() -> Result<(), BoxError> {
    hook("first")
}

#[cleanup(order = 20, timeout = "1s")]
fn second() -> Result<(), BoxError> {
    hook("second")
}

#[cleanup(order = 30, timeout = "1s")]
fn third() -> Result<(), BoxError> {
    hook("third")
}

#[cleanup(phase = "flush", timeout = "1s")]
fn last() -> Result<(), BoxError> {
    hook("last")
}
