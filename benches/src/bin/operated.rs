//! The service whose operation is measured: hello, with or without what an operator wants to see.
//!
//! With `OPERATED=1` it has probes, metrics and the monitor, and says `admin on http://…` in a second line.
#![forbid(unsafe_code)]

use std::env;
use std::thread;
use std::time::Duration;

use graceful::health::Probes;
use graceful::http::{Error, Request, Router};
use graceful::metrics::Metrics;
use graceful::process::Monitor;
use graceful::{App, BoxError};
use graceful_benches::{limit_life, say};

#[graceful::main]
fn main(app: &App) -> Result<(), BoxError> {
    limit_life();
    let admin = if env::var_os("OPERATED").is_some() { Some(operate(app)?) } else { None };
    let routes = Router::new().get("/", || "Hello, World!").get("/work", work).get("/stuck", stuck);
    let address = app.http("127.0.0.1:0", routes)?;
    say(format!("listening on http://{address}"))?;
    if let Some(admin) = admin {
        say(format!("admin on http://{admin}"))?;
    }
    Ok(())
}

/// It looks ten times as often as it would, so that its looks are in every sample.
fn operate(app: &App) -> Result<graceful::LocalAddress, BoxError> {
    let monitor = Monitor::new().memory_threshold_mb(1_000_000).cpu_threshold_percent(100_000);
    monitor.every(Duration::from_secs(1)).watch(app)?;
    Ok(Probes::new().metrics(Metrics::new(app)).serve(app, "127.0.0.1:0")?)
}

fn work(request: Request) -> Result<&'static str, Error> {
    thread::sleep(Duration::from_millis(request.query_param("ms").unwrap_or_default().parse()?));
    Ok("done\n")
}

fn stuck() -> &'static str {
    loop {
        thread::park();
    }
}
