//! A PostgreSQL server that lets nobody in without TLS.

use std::path::Path;
use std::time::Duration;

use graceful_tests::postgres::Postgres;
use graceful_tests::{Exit, Http, PATIENCE, Service};

use crate::postgres::{begin, wait_asleep};

fn service(url: &str, authority: &Path) -> Service {
    Service::fixture("postgres_tls").env("GF_URL", url).env("GF_AUTHORITY", authority)
}

#[track_caller]
fn refused(service: Service, message: &str) -> Exit {
    let exit = service.spawn().wait(PATIENCE);
    exit.expect_code(1).expect_outcome("failed");
    let line = exit.line("PostgreSQL at graceful@127.0.0.1:");
    assert!(line.contains(message), "{exit}");
    assert!(exit.ran < Duration::from_secs(8), "{exit}");
    exit.line("first closed");
    assert!(!exit.has("secret"), "the password is shown: {exit}");
    exit
}

#[test]
fn a_long_query_is_cancelled_at_the_deadline() {
    let server = Postgres::with_tls();
    let service = service(&server.tcp_url("require"), &server.authority()).start();
    let mut client = Http::connect(service.address()).expect("it listens");
    let encrypted = client.get("/encrypted").expect_status(201).text();
    let (some, all) = encrypted.split_once(" of ").expect("two numbers");
    assert!(some == all && all.parse().is_ok_and(|all: u32| all >= 4), "{encrypted}");
    drop(client);
    let _client = begin(&service, "/query");
    wait_asleep(&server);
    let exit = service.stop();
    // A second of drain, and two of the hook less the quarter that is left for cancelling.
    exit.expect_code(3).expect_not_before(Duration::from_millis(2400)).expect_within(Duration::from_secs(3));
    exit.line("failed: db error");
    exit.line("closed: 3 idle, 0 returned, 1 cancelled");
    server.wait_no_connection_of("postgres_tls");
    assert!(server.log().contains("canceling statement due to user request"), "{}", server.log());
}

#[test]
fn an_authority_that_nobody_trusts() {
    let server = Postgres::with_tls();
    refused(service(&server.tcp_url("require"), &server.other_authority()), "invalid peer certificate: UnknownIssuer");
    server.wait_no_connection_of("postgres_tls");
}

#[test]
fn a_service_without_tls() {
    let server = Postgres::with_tls();
    let plain = |sslmode| Service::fixture("postgres").env("GF_URL", server.tcp_url(sslmode));
    refused(plain("disable"), "no pg_hba.conf entry for host");
    refused(plain("require"), "TLS");
}
