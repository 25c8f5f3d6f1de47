//! A service with two reload hooks; `GF_ONE` and `GF_TWO` say what they do.
#![forbid(unsafe_code)]

use graceful::{App, BoxError, cleanup, reload};
use graceful_tests::fixture::{act, act_until, hook, say};

#[graceful::main(timeout = "10s", drain = "1s", tasks = "1s", flush = "1s")]
fn main(app: &App) -> Result<(), BoxError> {
    app.ready()?;
    say("ready");
    act_until("main", &app.stop())
}

#[reload(timeout = "100ms")]
fn one() -> Result<(), BoxError> {
    say("reload one began");
    act("one")
}

#[reload]
fn two() -> Result<(), BoxError> {
    say("reload two began");
    act("two")
}

#[cleanup(timeout = "1s")]
fn close() -> Result<(), BoxError> {
    hook("close")
}
