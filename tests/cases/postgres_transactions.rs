//! Transactions at the end: one that can finish in time is committed, one that cannot is rolled back.

use std::time::Duration;

use graceful_tests::postgres::Postgres;
use graceful_tests::{PATIENCE, Signal};

use crate::postgres::{begin, count, service};

#[test]
fn one_that_finishes_in_time_is_committed() {
    let server = Postgres::start();
    let service = service(&server).start();
    // Longer than the drain, shorter than what the pool waits.
    let _client = begin(&service, "/query?item=tea&ms=1500");
    service.signal(Signal::SIGTERM);
    let exit = service.wait(PATIENCE);
    exit.expect_code(3).expect_within(Duration::from_secs(2));
    exit.line("committed");
    exit.line("closed: 3 idle, 1 returned, 0 cancelled");
    assert_eq!(count(&server, "tea"), 1);
    server.wait_no_connection_of("postgres");
}

#[test]
fn a_long_query_is_cancelled_at_the_deadline_and_its_transaction_rolled_back() {
    let server = Postgres::start();
    let service = service(&server).start();
    let _client = begin(&service, "/query?item=tea&ms=60000");
    service.signal(Signal::SIGTERM);
    let exit = service.wait(PATIENCE);
    // A second of drain, and two of the hook less the quarter that is left for cancelling.
    exit.expect_code(3).expect_not_before(Duration::from_millis(2400)).expect_within(Duration::from_secs(3));
    exit.line("closed: 3 idle, 0 returned, 1 cancelled");
    assert_eq!(exit.hook("close_db")["outcome"], "completed", "{exit}");
    assert_eq!(count(&server, "tea"), 0);
    server.wait_no_connection_of("postgres");
    assert!(server.log().contains("canceling statement due to user request"), "{}", server.log());
}

#[test]
fn one_that_is_asleep_in_the_service_is_named_and_rolled_back() {
    let server = Postgres::start();
    let service = service(&server).start();
    let _client = begin(&service, "/transaction?item=tea&ms=60000");
    service.signal(Signal::SIGTERM);
    let exit = service.wait(PATIENCE);
    exit.expect_code(3).expect_outcome("incomplete").expect_within(Duration::from_secs(3));
    exit.expect_incomplete("postgres: 1 connection did not come back in time: thread gf-");
    exit.expect_incomplete("tests/src/bin/postgres.rs:");
    exit.expect_incomplete("cancelled in vain; the others: 3 idle, 0 returned, 0 cancelled");
    exit.line("first closed");
    server.wait_no_connection_of("postgres");
    assert_eq!(count(&server, "tea"), 0);
}

#[test]
fn a_handler_that_will_not_stop_is_cancelled_again_and_again_and_named() {
    let server = Postgres::start();
    let service = service(&server).start();
    let _client = begin(&service, "/stubborn");
    service.signal(Signal::SIGTERM);
    let exit = service.wait(PATIENCE);
    exit.expect_code(3).expect_within(Duration::from_secs(3));
    exit.expect_incomplete("postgres: 1 connection did not come back in time: thread gf-");
    let again = exit.stdout().iter().filter(|line| line.starts_with("again after: ")).count();
    assert!(again > 1, "{exit}");
}
