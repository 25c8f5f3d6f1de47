//! A service whose figures outlive it: `admin on …` (`GF_ADMIN`: where), `/work?ms=N` blocks. A registry of its own is merged, and a
//! listener of its own is told of the report: `GF_TOLD` says what it does.
#![forbid(unsafe_code)]

use std::thread;
use std::time::Duration;

use graceful::health::Probes;
use graceful::http::{Error, Request, Router};
use graceful::metrics::{Metrics, Registry};
use graceful::{App, BoxError, Stop, cleanup, task};
use graceful_tests::fixture::{act, hook, say, setting};

#[graceful::main(timeout = "20s", drain = "10s")]
fn main(app: &App) -> Result<(), BoxError> {
    let metrics = Metrics::new(app);
    let mut own = Registry::with_prefix("shop");
    own.register("orders", "Orders that were stored", prometheus_client::metrics::counter::Counter::<u64>::default());
    metrics.merge(own);
    app.on_report("told", |report, deadline| {
        say(&format!("told {} {}", report.outcome, report.exit_code));
        assert!(!deadline.remaining().is_zero());
        act("told")
    })?;
    let admin = setting("admin").unwrap_or_else(|| "127.0.0.1:0".into());
    let admin = Probes::new().metrics(metrics).serve(app, admin)?;
    say(&format!("admin on http://{admin}"));
    let address = app.http("127.0.0.1:0", Router::new().get("/work", work))?;
    say(&format!("listening on http://{address}"));
    Ok(())
}

#[task(every = "1h")]
fn sync_orders(_stop: &Stop) {}

#[cleanup(order = 10, timeout = "5s")]
fn flush_orders() -> Result<(), BoxError> {
    hook("flush_orders")
}

#[cleanup(order = 20, timeout = "5s")]
fn close_db() -> Result<(), BoxError> {
    hook("close_db")
}

fn work(request: Request) -> Result<&'static str, Error> {
    say("working");
    thread::sleep(Duration::from_millis(request.query_param("ms").unwrap_or_default().parse()?));
    Ok("done\n")
}
