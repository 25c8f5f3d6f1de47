//! All connections are out at the signal: who waits for one is told, who has one may finish.

use std::time::Duration;

use graceful_tests::postgres::Postgres;
use graceful_tests::{Http, PATIENCE, Signal, post};

use crate::postgres::{begin, count, service};

#[test]
fn who_waits_is_told_and_who_has_one_finishes() {
    let server = Postgres::start();
    let service = service(&server).env("GF_SIZE", "1").env("SHUTDOWN_CLOSE_DB_TIMEOUT", "8").start();
    let _held = begin(&service, "/transaction?item=held&ms=3000");
    let mut waiting: Vec<_> = (0..3).map(|_| Http::connect(service.address()).expect("it listens")).collect();
    for client in &mut waiting {
        client.send(post("/orders", "waited")).expect("it reads");
    }
    service.signal(Signal::SIGTERM);
    let exit = service.wait(PATIENCE);
    // Their connections were cut at the end of the drain, which is no clean end; the transaction is whole all the same.
    exit.expect_code(3).expect_outcome("incomplete").expect_within(Duration::from_secs(4));
    let closed = "failed: postgres: the pool is closed, as the service is stopping";
    assert_eq!(exit.stdout().iter().filter(|line| line.starts_with(closed)).count(), 3, "{exit}");
    exit.line("committed");
    exit.line("closed: 0 idle, 1 returned, 0 cancelled");
    assert_eq!((count(&server, "held"), count(&server, "waited")), (1, 0));
    server.wait_no_connection_of("postgres");
}
