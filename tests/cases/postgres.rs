//! What the cases with PostgreSQL share.

use std::time::{Duration, Instant};

use graceful_tests::postgres::Postgres;
use graceful_tests::{Http, PATIENCE, Running, Service, get};

/// The fixture with this server.
pub(crate) fn service(server: &Postgres) -> Service {
    Service::fixture("postgres").env("GF_URL", server.url())
}

/// A request whose answer nobody waits for. The connection has to be kept.
#[must_use]
pub(crate) fn begin(service: &Running, path: &str) -> Http {
    let mut client = Http::connect(service.address()).expect("it listens");
    client.send(get(path)).expect("it reads");
    service.wait_text("transaction began");
    client
}

/// How many orders of this item are in the database.
pub(crate) fn count(server: &Postgres, item: &str) -> i64 {
    let query = "SELECT count(*) FROM orders WHERE item = $1";
    server.connect().query_one(query, &[&item]).expect("the server answers").get(0)
}

/// Waits until a query sleeps in the server. One that has been sent only may still be found by a cancellation that overtakes
/// it: the server forgets what comes for a connection that is idle.
#[track_caller]
pub(crate) fn wait_asleep(server: &Postgres) {
    let query = "SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'PgSleep'";
    let mut client = server.connect();
    let deadline = Instant::now() + PATIENCE;
    while client.query_one(query, &[]).expect("the server answers").get::<_, i64>(0) == 0 {
        assert!(Instant::now() < deadline, "no query sleeps; {}", server.log());
        std::thread::sleep(Duration::from_millis(5));
    }
}
