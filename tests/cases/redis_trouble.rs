//! A Redis server that is killed, frozen or started again while the service stops.

use std::time::Duration;

use graceful_tests::redis::RedisServer;
use graceful_tests::{PATIENCE, SLACK, Signal};

use crate::redis::{expect_saved, redis};

#[test]
fn killed() {
    let mut server = RedisServer::start();
    let service = redis(server.url()).env("GF_WRITERS", "4").env("GF_PENDING", "10").start();
    service.wait_count("saved ", 20);
    server.daemon().kill();
    service.wait_text("not saved");
    let exit = service.stop();
    exit.expect_code(3).expect_within(SLACK);
    let detail = exit.hook("close_redis")["detail"].as_str().unwrap_or_default().to_owned();
    assert!(detail.contains("10 pending commands were not answered: redis: no connection to "), "{detail}: {exit}");
    server.daemon().restart();
    expect_saved(&exit, &server);
}

#[test]
fn killed_and_nothing_pending() {
    let mut server = RedisServer::start();
    let service = redis(server.tcp_url()).start();
    server.daemon().kill();
    let exit = service.stop();
    // Nothing is lost by that.
    exit.expect_code(0).expect_outcome("clean").expect_within(SLACK);
    exit.line("0 pending");
}

#[test]
fn frozen() {
    let mut server = RedisServer::start();
    let service = redis(server.tcp_url()).env("GF_WRITERS", "4").env("GF_PENDING", "10").start();
    service.wait_count("saved ", 20);
    server.daemon().freeze();
    service.signal(Signal::SIGTERM);
    let exit = service.wait(PATIENCE);
    // Its writers hang in their commands, past the budget of the tasks, and are cancelled when the pool closes.
    exit.expect_code(3).expect_within(Duration::from_secs(6));
    let detail = exit.hook("close_redis")["detail"].as_str().unwrap_or_default().to_owned();
    assert_eq!(exit.hook("close_redis")["outcome"], "failed", "{exit}");
    assert!(detail.contains("10 pending commands were not answered"), "{detail}: {exit}");
    let cancelled = detail.matches("cancelled RPUSH after ").count();
    assert!((1..=4).contains(&cancelled), "{detail}: {exit}");
    server.daemon().thaw();
    expect_saved(&exit, &server);
    assert_eq!(server.connections(), 0);
}

#[test]
fn started_again() {
    let mut server = RedisServer::start();
    let service = redis(server.url()).env("GF_WRITERS", "4").env("GF_PENDING", "10").start();
    service.wait_count("saved ", 20);
    server.daemon().kill();
    service.wait_text("not saved");
    server.daemon().restart();
    let before = service.lines().iter().filter(|line| line.text().starts_with("saved ")).count();
    service.wait_count("saved ", before + 20);
    let exit = service.stop();
    exit.expect_code(0).expect_outcome("clean");
    exit.line("10 flushed, 0 pending");
    expect_saved(&exit, &server);
    assert_eq!(server.connections(), 0, "{exit}");
}
