//! A service with a task of each kind: `beat` every 10 ms, `vital` every 10 ms whose failure is fatal, `pump` long-running,
//! `spare` long-running that is over when it fails, `again` long-running that is run again. `GF_BEAT`, … say what each does
//! at every run; those that are long-running wait for the stop then.
#![forbid(unsafe_code)]

use graceful::{App, BoxError, Stop, cleanup, task};
use graceful_tests::fixture::{act, act_until, hook, say};

struct NeverProvided;

#[graceful::main(timeout = "10s", drain = "1s", tasks = "1s", flush = "1s")]
fn main(app: &App) -> Result<(), BoxError> {
    app.ready()?;
    say("ready");
    act_until("main", &app.stop())
}

#[task(every = "10ms")]
fn beat() -> Result<(), BoxError> {
    say("beat");
    act("beat")
}

#[task(every = "10ms", panic = "shutdown")]
fn vital() -> Result<(), BoxError> {
    act("vital")
}

#[task]
fn pump(stop: &Stop) -> Result<(), BoxError> {
    long_running("pump", stop)
}

#[task(panic = "ignore")]
fn spare(stop: &Stop) -> Result<(), BoxError> {
    long_running("spare", stop)
}

#[task(panic = "restart")]
fn again(stop: &Stop) -> Result<(), BoxError> {
    long_running("again", stop)
}

#[task]
fn lacking(_: &NeverProvided, stop: &Stop) {
    stop.wait();
}

#[cleanup(timeout = "1s")]
fn close() -> Result<(), BoxError> {
    hook("close")
}

fn long_running(name: &str, stop: &Stop) -> Result<(), BoxError> {
    say(&format!("{name} began"));
    act(name)?;
    stop.wait();
    say(&format!("{name} was told to stop"));
    act(&format!("{name}_end"))
}
