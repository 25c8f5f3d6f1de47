//! A database that cannot be reached at the start: one clear message, what had started is cleaned up, exit 1.

use std::net::TcpListener;
use std::time::Duration;

use graceful_tests::postgres::Postgres;
use graceful_tests::{Exit, PATIENCE, Service};

fn refused(url: &str, message: &str) -> Exit {
    let exit = Service::fixture("postgres").env("GF_URL", url).spawn().wait(PATIENCE);
    exit.expect_code(1).expect_outcome("failed");
    assert!(exit.ran < Duration::from_secs(8), "{exit}");
    exit.line(message);
    exit.line("first closed");
    assert_eq!(exit.hooks(), "close_db=skipped close_first=completed", "{exit}");
    assert!(!exit.has("hidden"), "the password is shown: {exit}");
    exit
}

#[test]
fn wrong_password() {
    let server = Postgres::start();
    let exit = refused(
        &server.url_with_password("hidden"),
        "cannot be used: db error: FATAL: password authentication failed for user \"graceful\"",
    );
    exit.line("PostgreSQL at graceful@/");
}

#[test]
fn nobody_listens() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("it has an address");
    drop(listener);
    refused(
        &format!("postgres://orders:hidden@{address}/shop"),
        &format!("PostgreSQL at orders@{address}/shop cannot be used: error connecting to server: Connection refused"),
    );
}

#[test]
fn who_listens_says_nothing() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("it has an address");
    refused(
        &format!("postgres://orders:hidden@{address}/shop"),
        &format!("PostgreSQL at orders@{address}/shop cannot be used: no answer within 5s"),
    );
}

#[test]
fn a_pool_that_is_larger_than_the_server_allows() {
    let server = Postgres::start();
    let exit = crate::postgres::service(&server).env("GF_SIZE", "100").spawn().wait(PATIENCE);
    exit.expect_code(1);
    // Which one it is depends on what the server keeps for its administrator.
    let message = exit.line("postgres cannot be used: connection ");
    assert!(message.contains(" of 100: "), "{exit}");
    exit.line("clients already");
    exit.line("first closed");
    server.wait_no_connection_of("postgres");
}
