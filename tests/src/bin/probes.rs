//! A service with probes on a listener of their own (`admin on …`) and under `/shop` on its own, and a log for machines.
//! `/break` and `/mend` decide what its critical check `database` comes to; `/work?ms=N` blocks; `/log?lines=N` logs.
//! A POST to `/stop` has it shut down. `GF_ADMIN` is where the probes are; `GF_HOLD` is a pipe that it reads to the end before it listens anywhere else.
#![forbid(unsafe_code)]

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use graceful::health::Probes;
use graceful::http::{Error, Request, Router};
use graceful::metrics::Metrics;
use graceful::{App, BoxError, Stop, cleanup, logging, readiness, task};
use graceful_tests::fixture::{hook, say, setting};

#[derive(Default)]
struct Database {
    broken: AtomicBool,
}

#[graceful::main(timeout = "20s", drain = "10s")]
fn main(app: &App) -> Result<(), BoxError> {
    if setting("LOGGER").is_some() {
        logging::init()?;
        log::warn!(order = 7; "order \"late\"");
    }
    app.provide(Database::default());
    let admin = setting("ADMIN").unwrap_or_else(|| "127.0.0.1:0".to_owned());
    let probes = Probes::new().metrics(Metrics::new(app)).serve(app, admin)?;
    say(&format!("admin on http://{probes}"));
    if let Some(pipe) = setting("HOLD") {
        std::fs::read(pipe)?;
    }
    let stopping = app.clone();
    let routes = Router::new()
        .post("/stop", move || stopping.request("a POST"))
        .get("/break", |database: &Database| database.broken.store(true, Ordering::SeqCst))
        .get("/mend", |database: &Database| database.broken.store(false, Ordering::SeqCst))
        .get("/work", work)
        .get("/log", log_lines)
        .nest("/shop", Probes::new().routes(app));
    let address = app.http("127.0.0.1:0", routes)?;
    say(&format!("listening on http://{address}"));
    Ok(())
}

#[readiness(every = "20ms", timeout = "10ms", failures = 2, critical)]
fn database(database: &Database) -> Result<(), BoxError> {
    if database.broken.load(Ordering::SeqCst) { Err("password=secret was refused".into()) } else { Ok(()) }
}

#[cleanup(timeout = "5s")]
fn close() -> Result<(), BoxError> {
    hook("close")
}

fn work(request: Request) -> Result<&'static str, Error> {
    say("working");
    thread::sleep(Duration::from_millis(request.query_param("ms").unwrap_or_default().parse()?));
    Ok("done\n")
}

fn log_lines(request: Request) -> Result<&'static str, Error> {
    let lines: u64 = request.query_param("lines").unwrap_or_default().parse()?;
    for line in 0..lines {
        log::debug!(line; "part of the load");
    }
    Ok("logged\n")
}

#[task]
fn wait(stop: &Stop) {
    say("waiting");
    stop.wait();
}
