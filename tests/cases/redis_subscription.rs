//! Messages of Redis: those that the server sent are handled, and the thread that receives them ends.

use std::time::Duration;

use graceful::redis::redis::cmd;
use graceful_tests::redis::RedisServer;
use graceful_tests::{Exit, SLACK, Signal};

use crate::redis::redis;

fn publish(server: &RedisServer, messages: std::ops::Range<u32>) {
    let mut connection = server.connect();
    for message in messages {
        let receivers: u32 = cmd("PUBLISH").arg("news").arg(message).query(&mut connection).expect("it answers");
        assert_eq!(receivers, 1, "{message}");
    }
}

fn got(exit: &Exit) -> Vec<u32> {
    let lines = exit.stdout();
    lines.iter().filter_map(|line| line.strip_prefix("got ")).map(|text| text.parse().expect("a number")).collect()
}

#[test]
fn what_the_server_sent_is_handled() {
    let server = RedisServer::start();
    let service = redis(server.url()).env("GF_SUBSCRIBE", "news").env("GF_SLOWLY", "1").start();
    service.wait_text("subscribed");
    publish(&server, 0..500);
    let exit = service.stop();
    exit.expect_code(0).expect_outcome("clean");
    assert_eq!(got(&exit), (0..500).collect::<Vec<_>>(), "{exit}");
    exit.line("subscription ended");
    exit.line("500 messages");
    assert_eq!(server.connections(), 0, "{exit}");
}

#[test]
fn a_server_that_comes_back() {
    let mut server = RedisServer::start();
    let service = redis(server.url()).env("GF_SUBSCRIBE", "news").env("GF_LOGGER", "lines").start();
    service.wait_text("subscribed");
    publish(&server, 0..10);
    service.wait_text("got 9");
    server.daemon().kill();
    service.wait_text("redis subscription lost channels=news");
    server.daemon().restart();
    service.wait_text("redis subscription restored channels=news");
    publish(&server, 10..20);
    service.wait_text("got 19");
    let exit = service.stop();
    exit.expect_code(0);
    assert_eq!(got(&exit), (0..20).collect::<Vec<_>>(), "{exit}");
}

#[test]
fn a_server_that_is_gone_or_frozen() {
    let mut server = RedisServer::start();
    for trouble in ["frozen", "killed"] {
        let service = redis(server.url()).env("GF_SUBSCRIBE", "news").start();
        service.wait_text("subscribed");
        if trouble == "frozen" {
            server.daemon().freeze()
        } else {
            server.daemon().kill()
        }
        service.signal(Signal::SIGTERM);
        let exit = service.wait(graceful_tests::PATIENCE);
        // The server is given a second to say goodbye, and another half to answer a ping.
        exit.expect_code(0).expect_within(Duration::from_millis(1500) + SLACK);
        exit.line("subscription ended");
        if trouble == "frozen" {
            server.daemon().thaw();
        }
    }
}
