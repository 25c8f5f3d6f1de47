//! Redis under load, and the end: what was acknowledged is there, and no connection is.

use std::collections::HashSet;

use graceful_tests::redis::RedisServer;
use graceful_tests::{Exit, PATIENCE, Service, Signal};

pub(crate) fn redis(url: String) -> Service {
    Service::fixture("redis").env("GF_URL", url)
}

/// Everything that the service was told to be saved is.
#[track_caller]
pub(crate) fn expect_saved(exit: &Exit, server: &RedisServer) -> usize {
    let there: HashSet<String> = server.list("orders").into_iter().collect();
    let saved: Vec<&str> = exit.stdout().iter().filter_map(|line| line.strip_prefix("saved ")).collect();
    for order in &saved {
        assert!(there.contains(*order), "{order} was acknowledged and is not there: {exit}");
    }
    saved.len()
}

#[test]
fn every_acknowledged_write_is_there() {
    let server = RedisServer::start();
    for url in [server.url(), server.tcp_url()] {
        let service = redis(url).env("GF_WRITERS", "8").env("GF_PENDING", "100").start();
        service.wait_count("saved ", 200);
        service.signal(Signal::SIGTERM);
        let exit = service.wait(PATIENCE);
        exit.expect_code(0).expect_outcome("clean");
        assert!(!exit.has("not saved"), "{exit}");
        assert!(expect_saved(&exit, &server) >= 200);
        assert_eq!(server.connections(), 0, "{exit}");
        exit.line("100 flushed, 0 pending, 0 messages");
        exit.line(" 0 errors, ");
    }
    let pending: u64 =
        graceful::redis::redis::cmd("GET").arg("pending").query(&mut server.connect()).expect("it answers");
    assert_eq!(pending, 200);
}

#[test]
fn a_command_that_never_ends_is_cancelled_and_named() {
    let server = RedisServer::start();
    for url in [server.url(), server.tcp_url()] {
        let service = redis(url).env("GF_BLPOP", "1").start();
        service.wait_text("waiting");
        let exit = service.stop();
        exit.expect_code(3).expect_outcome("incomplete");
        exit.line("waited: ");
        assert!(exit.line("waited: ").contains("cancelled, as the pool is being closed"), "{exit}");
        let detail = exit.hook("close_redis")["detail"].as_str().unwrap_or_default().to_owned();
        assert!(detail.starts_with("redis: cancelled BLPOP after "), "{detail}: {exit}");
        assert_eq!(server.connections(), 0, "{exit}");
    }
}
