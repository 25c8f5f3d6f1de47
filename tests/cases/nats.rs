//! NATS under load, and the end: what was published has arrived, what was delivered has been handled.

use std::collections::{BTreeSet, HashSet};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use graceful_tests::nats::NatsServer;
use graceful_tests::{Exit, PATIENCE, Service, Signal};

pub(crate) fn nats(url: String) -> Service {
    Service::fixture("nats").env("GF_URL", url)
}

pub(crate) fn said(exit: &Exit, verb: &str) -> Vec<String> {
    let lines = exit.stdout();
    lines.iter().filter_map(|line| line.strip_prefix(verb)?.strip_prefix(' ')).map(str::to_owned).collect()
}

#[track_caller]
pub(crate) fn expect_arrived(exit: &Exit, verb: &str, arrived: Vec<String>) -> usize {
    let arrived: HashSet<String> = arrived.into_iter().collect();
    let said = said(exit, verb);
    let missing: Vec<_> = said.iter().filter(|text| !arrived.contains(*text)).collect();
    assert!(missing.is_empty(), "{} of {} {verb} did not arrive: {missing:?}", missing.len(), said.len());
    said.len()
}

#[test]
fn everything_that_was_published_arrives() {
    let server = NatsServer::start();
    let mut listener = server.client();
    listener.subscribe("out");
    let service = nats(server.url()).env("GF_PUBLISHERS", "8").start();
    listener.wait_count(2000);
    let exit = service.stop();
    exit.expect_code(0).expect_outcome("clean");
    listener.flush();
    assert!(expect_arrived(&exit, "published", listener.messages()) >= 2000);
    exit.line("afterwards: nats: it is drained");
    assert_eq!(server.connections(), 0);
}

/// Two members of a group: what the one that leaves was given it has handled, the rest went to the other.
#[test]
fn everything_that_was_delivered_is_handled() {
    for (how, slowly) in [("GF_TASK", "0"), ("GF_TASK", "20"), ("GF_THREAD", "0"), ("GF_THREAD", "20")] {
        let server = NatsServer::start();
        let (mut done, mut other) = (server.client(), server.client());
        done.subscribe("done");
        other.queue_subscribe("in", "workers");
        let service = nats(server.url()).env(how, "in").env("GF_SLOWLY", slowly).start();
        if how == "GF_TASK" {
            service.wait_text("subscribed");
        }
        let enough = AtomicBool::new(false);
        let (exit, published) = thread::scope(|scope| {
            let publishing = scope.spawn(|| {
                let mut client = server.client();
                let mut nth = 0;
                while !enough.load(Ordering::Relaxed) {
                    client.publish("in", &nth.to_string());
                    nth += 1;
                    if nth % 50 == 0 {
                        client.flush();
                    }
                }
                client.flush();
                nth
            });
            done.wait_count(500);
            service.signal(Signal::SIGTERM);
            let exit = service.wait(PATIENCE);
            enough.store(true, Ordering::Relaxed);
            (exit, publishing.join().expect("no panic"))
        });
        exit.expect_code(0).expect_outcome("clean");
        exit.line("subscription ended");
        done.flush();
        other.flush();
        assert!(!exit.has("not done"), "{how}");
        let handled: BTreeSet<String> = said(&exit, "handled").into_iter().collect();
        let others: BTreeSet<String> = other.messages().into_iter().collect();
        let missing: Vec<_> = (0..published)
            .map(|nth: u64| nth.to_string())
            .filter(|nth| !handled.contains(nth) && !others.contains(nth))
            .collect();
        assert!(missing.is_empty(), "{how} {slowly}: {} of {published} were lost: {missing:?}", missing.len());
        assert!(handled.is_disjoint(&others));
        expect_arrived(&exit, "handled", done.messages());
        assert_eq!(server.connections(), 0);
    }
}

/// A server that pauses while it is left, and goes on with messages for the one that leaves.
#[test]
fn what_was_on_its_way_while_it_left_is_handled() {
    const MESSAGES: u32 = 2000;
    let mut server = NatsServer::start();
    let (mut other, mut client) = (server.client(), server.client());
    other.queue_subscribe("in", "workers");
    let service = nats(server.url()).env("GF_THREAD", "in").start();
    server.daemon().freeze();
    (0..MESSAGES).for_each(|nth| client.publish("in", &nth.to_string()));
    service.signal(Signal::SIGTERM);
    service.wait_text("to=cleaning_up");
    server.daemon().thaw();
    let exit = service.wait(PATIENCE);
    exit.expect_code(0).expect_outcome("clean");
    client.flush();
    other.flush();
    let mut handled = said(&exit, "handled");
    handled.extend(other.messages());
    let handled: BTreeSet<u32> = handled.iter().map(|text| text.parse().expect("a number")).collect();
    let missing = (0..MESSAGES).filter(|nth| !handled.contains(nth)).count();
    assert_eq!(missing, 0, "of {MESSAGES}");
}

#[test]
fn who_never_reads_is_named() {
    let server = NatsServer::start();
    let service = nats(server.url()).env("GF_STUCK", "in").start();
    let mut client = server.client();
    (0..5).for_each(|nth: u32| client.publish("in", &nth.to_string()));
    client.flush();
    let exit = service.stop();
    exit.expect_code(3).expect_within(std::time::Duration::from_secs(3));
    assert_eq!(exit.hook("drain_nats")["detail"], "nats: 5 messages of in were not handled", "{exit}");
    assert_eq!(server.connections(), 0);
}

#[test]
fn requests_are_answered() {
    let server = NatsServer::start();
    let service = nats(server.url()).env("GF_TASK", "in").start();
    service.wait_text("subscribed");
    let nats = graceful::nats::connect(&server.url()).expect("it is there");
    let answer = nats.request("in", "hello", PATIENCE).expect("it answers");
    assert_eq!(&answer.payload[..], b"hello");
    let nobody = nats.request("nobody", "hello", PATIENCE).expect_err("nobody is there");
    assert!(matches!(nobody, graceful::nats::Error::NoResponders), "{nobody}");
    let large = nats.publish("in", vec![0; 2 << 20]).expect_err("it is too large");
    assert!(matches!(large, graceful::nats::Error::TooLarge { bytes: 2_097_152, limit: 1_048_576 }), "{large}");
    service.stop().expect_code(0);
    nats.drain(graceful::Deadline::after(PATIENCE)).expect("the server is there");
    assert_eq!(server.connections(), 0);
}
