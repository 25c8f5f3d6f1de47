//! A NATS server that is killed, frozen or started again while the service stops.

use std::time::Duration;

use graceful_tests::nats::NatsServer;
use graceful_tests::{Exit, PATIENCE, SLACK, Signal};

use crate::nats::{expect_arrived, nats, said};

fn detail(exit: &Exit) -> String {
    exit.hook("drain_nats")["detail"].as_str().unwrap_or_default().to_owned()
}

#[test]
fn killed() {
    let mut server = NatsServer::start();
    let mut listener = server.client();
    listener.subscribe("out");
    let service = nats(server.url()).env("GF_PUBLISHERS", "4").env("GF_THREAD", "in").env("GF_LOGGER", "lines").start();
    listener.wait_count(100);
    server.daemon().kill();
    service.wait_text("nats connection lost");
    let exit = service.stop();
    // The thread of the subscription ends, the publishers' messages wait for a server until the deadline.
    exit.expect_code(3).expect_within(Duration::from_secs(3));
    assert!(detail(&exit).contains(" messages were not confirmed in time"), "{exit}");
    let missing = said(&exit, "published").len() - listener.messages().len();
    let told: usize = numbers(&detail(&exit)).sum();
    assert!(missing <= told, "{missing} are missing, {told} were told: {}", detail(&exit));
}

#[test]
fn killed_and_nothing_published() {
    let mut server = NatsServer::start();
    let service = nats(server.url()).env("GF_THREAD", "in").env("GF_LOGGER", "lines").start();
    server.daemon().kill();
    service.wait_text("nats connection lost");
    let exit = service.stop();
    exit.expect_code(0).expect_outcome("clean").expect_within(SLACK);
    exit.line("subscription ended");
}

#[test]
fn frozen() {
    let mut server = NatsServer::start();
    let mut listener = server.client();
    listener.subscribe("out");
    let service = nats(server.url()).env("GF_PUBLISHERS", "4").env("GF_TASK", "in").env("GF_STUCK", "x").start();
    service.wait_text("subscribed");
    listener.wait_count(100);
    server.daemon().freeze();
    let published = said_so_far(&service);
    service.wait_count("published ", published + 10);
    let exit = service.stop();
    // A second for the task, three for the hook.
    exit.expect_code(3).expect_within(Duration::from_secs(4));
    assert!(detail(&exit).contains(" messages were not confirmed in time"), "{exit}");
    assert!(detail(&exit).contains("the subscription to x did not end"), "{exit}");
    server.daemon().thaw();
    listener.flush();
}

/// It is started again during the drain: what waited for it arrives, and what had been on its way when it was killed is told.
#[test]
fn started_again_during_the_drain() {
    let mut server = NatsServer::start();
    let mut listener = server.client();
    listener.subscribe("out");
    let service = nats(server.url()).env("GF_PUBLISHERS", "4").env("GF_LOGGER", "lines").start();
    listener.wait_count(100);
    server.daemon().kill();
    service.wait_text("nats connection lost");
    let before = listener.messages();
    let published = said_so_far(&service);
    service.wait_count("published ", published + 100);
    service.signal(Signal::SIGTERM);
    service.wait_text("phase changed from=stopping_tasks to=cleaning_up");
    server.daemon().restart();
    let exit = service.wait(PATIENCE);
    exit.line("nats connection restored");
    // Whether something was on its way is chance.
    if exit.code != Some(0) {
        exit.expect_code(3);
        assert!(detail(&exit).contains("before the connection broke"), "{exit}");
        assert!(!detail(&exit).contains("in time"), "{exit}");
    }
    assert!(!before.is_empty());
    assert_eq!(server.connections(), 0);
}

/// What waits for the server is sent as soon as it is back. It has received that, and nobody else has: a server that was
/// started again knows of no subscriptions until those who had some have connected again.
#[test]
fn what_waited_for_the_server_is_sent_before_others_have_subscribed_again() {
    let mut server = NatsServer::start();
    let service = nats(server.url()).env("GF_LAST", "100").env("GF_LOGGER", "lines").start();
    server.daemon().kill();
    service.wait_text("nats connection lost");
    service.signal(Signal::SIGTERM);
    service.wait_text("published last:99");
    server.daemon().restart();
    let exit = service.wait(PATIENCE);
    exit.expect_code(0).expect_outcome("clean");
    exit.line("nats connection restored");
    let mut late = server.client();
    late.subscribe("out");
    assert!(server.received() >= 100, "{} were received: {exit}", server.received());
    assert_eq!(late.messages(), [""; 0]);
}

/// Its own subscriptions are there again before anything that waited is sent.
#[test]
fn what_waited_for_the_server_reaches_our_own_subscriptions() {
    let mut server = NatsServer::start();
    let service =
        nats(server.url()).env("GF_THREAD", "out").env("GF_PUBLISHERS", "1").env("GF_LOGGER", "lines").start();
    service.wait_count("handled ", 10);
    server.daemon().kill();
    service.wait_text("nats connection lost");
    let published = said_so_far(&service);
    // The first of them may have been on its way when the server was killed.
    service.wait_count("published ", published + 100);
    let waited: Vec<String> = service
        .lines()
        .iter()
        .filter_map(|line| line.text().strip_prefix("published ").map(str::to_owned))
        .skip(published)
        .collect();
    server.daemon().restart();
    for text in &waited {
        service.wait_text(&format!("handled {text}"));
    }
    let exit = service.stop();
    // What had been on its way when it was killed is told.
    if exit.code != Some(0) {
        exit.expect_code(3);
        assert!(detail(&exit).contains("before the connection broke"), "{exit}");
    }
}

/// Nobody is lost who publishes before and after, with a listener that is there each time.
#[test]
fn started_again_while_it_serves() {
    let mut server = NatsServer::start();
    let service = nats(server.url()).env("GF_TASK", "in").env("GF_LOGGER", "lines").start();
    service.wait_text("subscribed");
    server.daemon().kill();
    service.wait_text("nats connection lost");
    server.daemon().restart();
    service.wait_text("nats connection restored");
    let mut client = server.client();
    client.subscribe("done");
    // The subscription is there again after the connection; until then nobody hears.
    while client.messages().is_empty() {
        client.publish("in", "again");
        client.flush();
    }
    service.wait_text("handled again");
    let exit = service.stop();
    exit.expect_code(0).expect_outcome("clean");
    client.flush();
    expect_arrived(&exit, "handled", client.messages());
}

fn said_so_far(service: &graceful_tests::Running) -> usize {
    service.lines().iter().filter(|line| line.text().starts_with("published ")).count()
}

fn numbers(text: &str) -> impl Iterator<Item = usize> {
    text.split_whitespace().filter_map(|word| word.parse().ok())
}
