//! A start that fails at Redis: one clear error, exit code 1, and what had been opened is closed.

use std::time::Duration;

use graceful_tests::redis::RedisServer;
use graceful_tests::{Exit, PATIENCE};

use crate::redis::redis;

fn fails(url: &str) -> Exit {
    let exit = redis(url.to_owned()).spawn().wait(PATIENCE);
    exit.expect_code(1).expect_outcome("failed");
    exit.line("hook close_first done");
    assert_eq!(exit.hooks(), "close_redis=skipped close_first=completed", "{exit}");
    exit
}

#[test]
fn a_wrong_password() {
    let server = RedisServer::with_password("right");
    let tcp = server.tcp_url();
    for url in [tcp.replace("redis://", "redis://:wrong@"), format!("{}?pass=wrong", server.url())] {
        let exit = fails(&url);
        exit.line("WRONGPASS");
        assert!(!exit.has(":wrong@"), "the password is nobody's business: {exit}");
    }
    fails(&tcp).line("NOAUTH");
    let service = redis(tcp.replace("redis://", "redis://:right@")).start();
    service.stop().expect_code(0);
}

#[test]
fn nobody_there() {
    fails("redis://127.0.0.1:1").line("no connection to 127.0.0.1:1: ");
    fails("redis+unix:///nowhere/socket").line("no connection to /nowhere/socket: ");
    fails("redis://no-such-host.invalid").line("no-such-host.invalid:6379");
    fails("rediss://127.0.0.1:1").line("TLS");
    fails("http://127.0.0.1:1").line("URL");
}

#[test]
fn a_server_that_does_not_answer() {
    let mut server = RedisServer::start();
    server.daemon().freeze();
    for url in [server.url(), server.tcp_url()] {
        let exit = fails(&url);
        assert!(exit.ran >= Duration::from_secs(5), "{exit}");
        assert!(exit.ran <= Duration::from_secs(5) + graceful_tests::SLACK, "{exit}");
        exit.line("no connection to ");
    }
}
