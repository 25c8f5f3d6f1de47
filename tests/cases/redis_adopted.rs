//! A pool of the `redis` crate's own connections: the same end, by way of the server.

use std::time::Duration;

use graceful::redis::redis::cmd;
use graceful_tests::redis::RedisServer;
use graceful_tests::{Http, PATIENCE, Running, Service, Signal, get};

use crate::pool_load::orders;

fn service(server: &RedisServer) -> Service {
    Service::fixture("redis_adopted").env("GF_URL", server.tcp_url())
}

/// A command that never ends. The connection has to be kept.
fn begin(service: &Running) -> Http {
    let mut client = Http::connect(service.address()).expect("it listens");
    client.send(get("/wait")).expect("it reads");
    service.wait_text("waiting");
    client
}

/// How many connections there are but the one that asks.
fn connections(server: &RedisServer) -> usize {
    let list: String = cmd("CLIENT").arg("LIST").query(&mut server.connect()).expect("it answers");
    list.lines().count() - 1
}

#[test]
fn every_acknowledged_write_is_there() {
    let server = RedisServer::start();
    let service = service(&server).start();
    assert_eq!(connections(&server), 4);
    let acknowledged = orders(&service, || service.signal(Signal::SIGTERM));
    let exit = service.wait(PATIENCE);
    exit.expect_code(0).expect_outcome("clean").expect_within(Duration::from_secs(3));
    exit.line("closed: 4 idle, 0 returned, 0 cancelled");
    assert_eq!(connections(&server), 0, "{exit}");
    let there = server.list("orders").into_iter().collect();
    assert!(acknowledged.is_subset(&there), "lost: {:?}", acknowledged.difference(&there));
}

#[test]
fn a_command_that_never_ends_is_cancelled_by_the_server() {
    let server = RedisServer::start();
    let service = service(&server).start();
    let _client = begin(&service);
    let exit = service.stop();
    // A second of drain, and two of the hook less the quarter that is left for cancelling.
    exit.expect_code(3).expect_not_before(Duration::from_millis(2400)).expect_within(Duration::from_secs(3));
    exit.line("failed: ");
    exit.line("closed: 3 idle, 0 returned, 1 cancelled");
    assert_eq!(connections(&server), 0, "{exit}");
}

#[test]
fn a_server_that_hangs_cancels_nothing_and_the_holder_is_named() {
    let mut server = RedisServer::start();
    let service = service(&server).start();
    let _client = begin(&service);
    server.daemon().freeze();
    let exit = service.stop();
    exit.expect_code(3).expect_outcome("incomplete").expect_within(Duration::from_millis(3250));
    exit.expect_incomplete("theirs: 1 connection did not come back in time: thread gf-");
    exit.expect_incomplete("tests/src/bin/redis_adopted.rs:");
    exit.line("first closed");
    server.daemon().thaw();
}
