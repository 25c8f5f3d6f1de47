//! The reference service: a small shop that takes orders and never loses one that it has acknowledged.
//!
//! | request | answer |
//! |---|---|
//! | `POST /orders` with `{"item":"tea","quantity":2}` | 201 `{"id":1}`, once order 1 is durable |
//! | `GET /orders/1` | `{"id":1,"item":"tea","quantity":2}` |
//! | `GET /orders?after=1` | `{"orders":[…]}`, the next thousand with a higher id |
//! | `GET /demand` | `{"tea":2}`: how much of what was ordered |
//! | `/feed?after=1` | the WebSocket of changes: the orders after that id, then each new one |
//! | on the admin address: `/health`, `/metrics` | whether it may be sent orders, whether it lives; figures |
//! | `/admin/overview` there | a page to look at while it drains; `/openapi.json` says what else there is |
//!
//! Run:    cargo run --release --example service, then: curl -d '{"item":"tea","quantity":2}' http://127.0.0.1:8080/orders
//!         Nothing else is needed: a SQLite database, an audit log and the figures of shutdowns are kept in DATA_DIR (./data).
//!         ADDR=HOST:PORT listens elsewhere; so does ADMIN_ADDR (127.0.0.1:9090), where the admin API wants a token
//!         (ADMIN_TOKEN_FILE) beyond loopback. DATABASE_URL=postgres://… keeps orders in PostgreSQL, REDIS_URL=redis://…
//!         the demand in Redis, NATS_URL=nats://… publishes each order to `orders`. GRACEFUL=config prints all settings.
//! Check:  target/release/examples/service --health-check, with the same ADMIN_ADDR: exit code 0 when it is ready
//! Stop:   Ctrl-C, or `kill` with its pid, or: curl -X POST http://127.0.0.1:9090/admin/shutdown
//! Prints: `admin on http://127.0.0.1:9090`, `listening on http://127.0.0.1:8080`, what the cache was good for; its end on stderr.
//!
//! # Why no order is lost
//!
//! An order and its place in the outbox are committed in one transaction; only then it is acknowledged ([`api`]). From the
//! outbox the relay brings it to everybody else ([`relay`]): to the feed, the audit log, to NATS. What all have confirmed leaves
//! the outbox. Wherever the process ends, the next one finds in the outbox what is not done, and does it: an order is in the
//! audit log once, and goes elsewhere at least once. One process works with a database at a time.
//!
//! # The end
//!
//! | step | at most |
//! |---|---|
//! | requests that have arrived are answered; WebSockets are told, and closed with 1001 | 30 s |
//! | tasks end: the relay after the batch that it is at | 10 s |
//! | 10: the rest of the outbox is delivered; the demand is written, Redis closed, the cache says what it was good for | 5 s |
//! | 20: the database: queries may end, shortly before the deadline they are cancelled, connections are closed | 5 s |
//! | 30: in parallel: the audit log, NATS, temporary files | 5 s |
//! | everything else is dropped, the report is written, exit 0; or 3, when something was lost, late or cut | 1 s |
#![forbid(unsafe_code)]

mod api;
mod demand;
mod feed;
mod publisher;
mod relay;
mod store;
mod summary;

use std::env;
use std::fs;
use std::path::PathBuf;
use std::sync::Arc;

use graceful::admin::Admin;
use graceful::external::{Closers, NotClosed};
use graceful::health::Probes;
use graceful::metrics::Metrics;
use graceful::process::Monitor;
use graceful::{App, BoxError, Deadline, Stop, cleanup, readiness, task};

use crate::demand::Demand;
use crate::feed::Feed;
use crate::publisher::Publisher;
use crate::relay::Relay;
use crate::store::Db;
use crate::summary::Summary;

/// Whatever is provided before a step fails is cleaned up by the hooks below; the others are skipped.
#[graceful::main(timeout = "60s", drain = "30s", tasks = "10s")]
fn main(app: &App) -> Result<(), BoxError> {
    Monitor::from_settings(app).watch(app)?;
    let data = PathBuf::from(env::var_os("DATA_DIR").unwrap_or_else(|| "./data".into()));
    fs::create_dir_all(&data).map_err(|error| format!("DATA_DIR {} cannot be made: {error}", data.display()))?;
    let db = app.provide(store::open(&data)?);
    let feed = app.provide(Feed::new(db.delivered_up_to()?));
    app.provide(Demand::open(&db)?);
    app.provide(Relay::open(&data, Feed::clone(&feed), Publisher::connect()?)?);
    app.provide(Summary::open(&data)?);
    app.provide(api::Shown::new(1000));
    let admin = env::var("ADMIN_ADDR").unwrap_or_else(|_| "127.0.0.1:9090".into());
    let metrics = Metrics::new(app).file(data.join("metrics.prom"))?;
    let admin = Probes::new().metrics(metrics).admin(Admin::new()).serve(app, admin)?;
    println!("admin on http://{admin}");
    let address = app.http(env::var("ADDR").unwrap_or_else(|_| "127.0.0.1:8080".into()), api::routes())?;
    println!("listening on http://{address}");
    Ok(())
}

/// What fails is tried again, after a pause that grows.
#[task(panic = "restart")]
fn relay_orders(relay: &Relay, db: &Db, stop: &Stop) -> Result<(), BoxError> {
    while !stop.is_stopping() {
        relay.deliver(db)?;
        relay.wait(stop);
    }
    Ok(())
}

#[task(every = "30s")]
fn summarize(summary: &Summary, db: &Db) -> Result<(), BoxError> {
    summary.write(db)
}

/// Without it there is nothing to be told and nothing to be sold.
#[readiness(every = "5s", timeout = "1s", critical)]
fn database(db: &Db) -> Result<(), BoxError> {
    db.ping()
}

/// Orders are taken without it.
#[readiness(every = "5s", timeout = "1s")]
fn redis(demand: &Demand) -> Result<(), BoxError> {
    demand.ping()
}

/// So they are without this one: they wait in the outbox.
#[readiness(every = "5s", timeout = "1s")]
fn nats(relay: &Relay) -> Result<(), BoxError> {
    relay.ping()
}

/// No order comes any more: these are the last.
#[cleanup(order = 10, timeout = "5s")]
fn deliver_the_rest(relay: &Relay, db: &Db) -> Result<(), BoxError> {
    relay.deliver(db).map_err(|error| format!("orders wait in the outbox for the next start: {error}").into())
}

#[cleanup(order = 10, timeout = "5s")]
fn cache(shown: &api::Shown, demand: &Demand, deadline: Deadline) -> Result<(), BoxError> {
    println!("cache: {}", shown.statistics());
    shown.clear();
    demand.close(deadline)
}

/// `SHUTDOWN_DB_TIMEOUT` sets its time.
#[cleanup(order = 20, timeout = "5s")]
fn db(db: &Db, deadline: Deadline) -> Result<(), BoxError> {
    db.close(deadline)
}

/// `EXTERNAL_SERVICES_TIMEOUT_MS` sets its time.
#[cleanup(order = 30, timeout = "5s")]
fn external_services(relay: Arc<Relay>, summary: Arc<Summary>, deadline: Deadline) -> Result<(), NotClosed> {
    let audit = Arc::clone(&relay);
    Closers::new()
        .add("audit log", move |_| audit.close_audit())
        .add("NATS", move |deadline| relay.close_publisher(deadline))
        .add("temporary files", move |_| summary.close())
        .close(deadline)
}
