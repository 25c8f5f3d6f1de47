//! A service that watches what it takes: `/take` takes 200 MB of memory and `/give` gives them back, `/burn` keeps threads
//! busy until `/rest`, `/usage` tells what it takes. `GF_EVERY` is how often it looks, in milliseconds; thresholds are those of the environment, or of
//! `GF_MEMORY` and `GF_CPU`. Probes and metrics are on a listener of their own.
#![forbid(unsafe_code)]

use std::hint::{black_box, spin_loop};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use graceful::health::Probes;
use graceful::http::{Json, Router};
use graceful::metrics::Metrics;
use graceful::process::{self, Monitor};
use graceful::{App, BoxError};
use graceful_tests::fixture::{install_logger, say, setting};
use serde_json::{Value, json};

static TAKEN: Mutex<Vec<u8>> = Mutex::new(Vec::new());
static BURNING: AtomicBool = AtomicBool::new(false);

/// More than there are processors for them: others are busy on this machine, too.
const BURNERS: usize = 4;

#[graceful::main(timeout = "20s", drain = "5s")]
fn main(app: &App) -> Result<(), BoxError> {
    install_logger();
    let every = setting("every").map_or(Ok(1000), |text| text.parse())?;
    let mut monitor = Monitor::from_settings(app).every(Duration::from_millis(every)).failures(2);
    if let Some(text) = setting("memory") {
        monitor = monitor.memory_threshold_mb(text.parse()?);
    }
    if let Some(text) = setting("cpu") {
        monitor = monitor.cpu_threshold_percent(text.parse()?);
    }
    monitor.watch(app)?;
    let admin = Probes::new().metrics(Metrics::new(app)).serve(app, "127.0.0.1:0")?;
    say(&format!("admin on http://{admin}"));
    let routes = Router::new()
        .get("/take", || *TAKEN.lock().expect("nobody panics") = black_box(vec![1; 200 << 20]))
        .get("/give", || *TAKEN.lock().expect("nobody panics") = Vec::new())
        .get("/burn", burn)
        .get("/usage", usage)
        .get("/rest", || BURNING.store(false, Ordering::SeqCst));
    let address = app.http("127.0.0.1:0", routes)?;
    say(&format!("listening on http://{address}"));
    Ok(())
}

fn usage() -> Json<Value> {
    let usage = process::usage();
    Json(json!({
        "pid": usage.pid,
        "os": usage.platform.os,
        "arch": usage.platform.arch,
        "kernel": usage.platform.kernel,
        "age": usage.started_at.and_then(|at| at.elapsed().ok()).map(|age| age.as_secs_f64()),
        "uptime": usage.uptime.map(|uptime| uptime.as_secs_f64()),
        "resident_memory": usage.resident_memory,
        "virtual_memory": usage.virtual_memory,
        "memory_limit": usage.memory_limit,
        "cpu_time": usage.cpu_time.map(|used| used.as_secs_f64()),
        "open_files": usage.open_files,
        "open_files_limit": usage.open_files_limit,
        "threads": usage.threads,
    }))
}

fn burn() {
    BURNING.store(true, Ordering::SeqCst);
    for _ in 0..BURNERS {
        thread::spawn(|| {
            while BURNING.load(Ordering::SeqCst) {
                spin_loop();
            }
        });
    }
}
