//! A service with the admin API (`admin on …`, at `GF_ADDRESS`), whose hooks `leave`, `close` and `last` do what `GF_LEAVE`,
//! `GF_CLOSE` and `GF_LAST` say. `GF_TOKEN`, `GF_TOKEN_FILE` and `GF_PREFIX` are what the program itself sets.
//! `/work?ms=N` blocks, `/stuck` for ever; with `GF_TICKET` a ticket is out that comes back when it is cancelled.
#![forbid(unsafe_code)]

use std::thread;
use std::time::Duration;

use graceful::admin::Admin;
use graceful::health::Probes;
use graceful::http::{Error, Request, Router};
use graceful::metrics::Metrics;
use graceful::{App, BoxError, Stop, cleanup, readiness, task};
use graceful_tests::fixture::{act, hook, install_logger, say, setting};

#[graceful::main(timeout = "20s", drain = "10s")]
fn main(app: &App) -> Result<(), BoxError> {
    install_logger();
    let mut admin = Admin::new();
    if let Some(token) = setting("token") {
        admin = admin.token(token);
    }
    if let Some(path) = setting("token_file") {
        admin = admin.token_file(path);
    }
    if let Some(prefix) = setting("prefix") {
        admin = admin.prefix(prefix);
    }
    let address = setting("address").unwrap_or_else(|| "127.0.0.1:0".to_owned());
    let bound = match setting("metrics").as_deref() {
        Some("none") => Probes::new().admin(admin).serve(app, address)?,
        _ => Probes::new().metrics(Metrics::new(app)).admin(admin).serve(app, address)?,
    };
    say(&format!("admin on http://{bound}"));
    if setting("ticket").is_some() {
        let ticket = app.ticket("courier")?;
        thread::spawn(move || ticket.stop().wait_cancelled());
    }
    let routes = Router::new().get("/", || "hello\n").get("/work", work).get("/stuck", stuck);
    let address = app.http("127.0.0.1:0", routes)?;
    say(&format!("listening on http://{address}"));
    Ok(())
}

#[readiness(every = "2s", timeout = "1s", critical)]
fn database() {}

#[task]
fn pump(stop: &Stop) -> Result<(), BoxError> {
    stop.wait();
    act("task")
}

#[cleanup(phase = "before_drain", timeout = "1s")]
fn leave() -> Result<(), BoxError> {
    hook("leave")
}

#[cleanup(order = 10, timeout = "5s")]
fn close() -> Result<(), BoxError> {
    hook("close")
}

#[cleanup(phase = "flush", timeout = "1s")]
fn last() -> Result<(), BoxError> {
    hook("last")
}

fn work(request: Request) -> Result<&'static str, Error> {
    say("working");
    thread::sleep(Duration::from_millis(request.query_param("ms").unwrap_or_default().parse()?));
    Ok("done\n")
}

fn stuck() -> &'static str {
    say("stuck");
    loop {
        thread::park();
    }
}
