//! What the cases with PostgreSQL share.

use graceful_tests::postgres::Postgres;
use graceful_tests::{Http, Running, Service, get};

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
