//! A start that fails at NATS: one clear error, exit code 1, and what had been opened is closed.

use std::time::Duration;

use graceful_tests::nats::NatsServer;
use graceful_tests::{Exit, PATIENCE, SLACK};

use crate::nats::nats;

fn fails(url: &str) -> Exit {
    let exit = nats(url.to_owned()).spawn().wait(PATIENCE);
    exit.expect_code(1).expect_outcome("failed");
    exit.line("hook close_first done");
    assert_eq!(exit.hooks(), "say_last=skipped drain_nats=skipped close_first=completed", "{exit}");
    exit
}

#[test]
fn a_wrong_password() {
    let server = NatsServer::with_password("right");
    let exit = fails(&server.url().replace("nats://", "nats://me:wrong@"));
    exit.line("no connection to 127.0.0.1:");
    exit.line("authorization violation");
    assert!(!exit.has("me:wrong"), "the password is nobody's business: {exit}");
    let service = nats(server.url().replace("nats://", "nats://me:right@")).start();
    service.stop().expect_code(0);
}

#[test]
fn nobody_there() {
    fails("nats://127.0.0.1:1").line("no connection to 127.0.0.1:1: ");
    fails("nats://no-such-host.invalid").line("no connection to no-such-host.invalid: ");
    fails("http://127.0.0.1:1").line("invalid scheme");
}

#[test]
fn a_server_that_does_not_answer() {
    let mut server = NatsServer::start();
    server.daemon().freeze();
    let exit = fails(&server.url());
    assert!(exit.ran >= Duration::from_secs(5) && exit.ran <= Duration::from_secs(5) + SLACK, "{exit}");
    exit.line("timed out");
}
