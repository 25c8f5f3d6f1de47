//! Connections at the signal: what is in flight finishes, what is idle closes, what never ends is cut and counted.

use std::collections::BTreeMap;
use std::time::Duration;

use graceful_tests::{Client, Exit, PATIENCE, Running, SLACK, Service, Signal};

/// The counts of the report that are not zero; they have to add up.
fn counts(exit: &Exit) -> BTreeMap<String, u64> {
    let counts = exit.report()["connections"].as_object().expect("the report counts connections");
    assert_eq!(counts["balanced"], true, "{exit}");
    let numbers = counts.iter().filter_map(|(name, count)| Some((name.clone(), count.as_u64()?)));
    numbers.filter(|(_, count)| *count > 0).collect()
}

fn expect_counts(exit: &Exit, expected: &[(&str, u64)]) {
    let expected: BTreeMap<String, u64> = expected.iter().map(|(name, count)| ((*name).to_owned(), *count)).collect();
    assert_eq!(counts(exit), expected, "{exit}");
}

/// So many connections, each with a request that has begun.
fn in_flight(service: &Running, number: usize, request: &str) -> Vec<Client> {
    let mut clients: Vec<Client> =
        (0..number).map(|_| Client::connect(service.address()).expect("it listens")).collect();
    for client in &mut clients {
        client.send(request).expect("it reads");
    }
    for client in &mut clients {
        assert_eq!(client.line().expect("it answers"), "began");
    }
    clients
}

#[test]
fn two_hundred_in_flight_finish() {
    let service = Service::fixture("lines").start();
    let mut clients = in_flight(&service, 200, "sleep 500");
    service.signal(Signal::SIGTERM);
    for client in &mut clients {
        assert_eq!(client.line().expect("a request that has begun is finished"), "done");
        assert!(client.rest().expect("then it ends in order").is_empty());
    }
    let exit = service.wait(PATIENCE);
    exit.expect_code(0).expect_outcome("clean");
    // They took half a second; the drain ended with them and did not sleep its budget out.
    exit.expect_within(Duration::from_secs(1));
    let done = counts(&exit);
    assert_eq!(done["accepted"], 200, "{exit}");
    assert_eq!(done.get("completed").unwrap_or(&0) + done.get("closed_idle").unwrap_or(&0), 200, "{exit}");
}

#[test]
fn one_that_never_ends_is_cut_and_the_others_finish() {
    let service = Service::fixture("lines").env("SHUTDOWN_DRAIN", "1500ms").start();
    let mut stuck = in_flight(&service, 1, "stuck");
    let mut clients = in_flight(&service, 200, "sleep 400");
    service.signal(Signal::SIGTERM);
    for client in &mut clients {
        assert_eq!(client.line().expect("the stuck one holds up nobody"), "done");
    }
    stuck[0].rest().expect("it is cut in order, after what was written");
    let exit = service.wait(PATIENCE);
    exit.expect_code(3).expect_outcome("incomplete").expect_incomplete("1 connections were cut");
    exit.expect_not_before(Duration::from_millis(1500)).expect_within(Duration::from_millis(1500));
    assert_eq!(counts(&exit)["cut"], 1, "{exit}");
    assert_eq!(exit.phase("draining")["end"], "deadline", "{exit}");
    // Where it hangs is told, by the connection's number and its peer.
    let line = exit.line("connection cut");
    assert!(line.contains("peer=127.0.0.1:") && line.contains("stuck="), "{exit}");
}

#[test]
fn the_token_fires_before_the_cut() {
    let service = Service::fixture("lines").env("SHUTDOWN_DRAIN", "1s").start();
    let mut clients = in_flight(&service, 3, "until cancelled");
    service.signal(Signal::SIGTERM);
    for client in &mut clients {
        assert_eq!(client.line().expect("there is time left to say so"), "cancelled");
    }
    let exit = service.wait(PATIENCE);
    exit.expect_code(0).expect_not_before(Duration::from_millis(700));
    assert_eq!(counts(&exit)["accepted"], 3, "{exit}");
}

#[test]
fn idle_connections_close_in_order_and_requests_on_them_are_not_lost() {
    let service = Service::fixture("lines").start();
    let mut idle: Vec<Client> = (0..20).map(|_| Client::connect(service.address()).expect("it listens")).collect();
    for (nth, client) in idle.iter_mut().enumerate() {
        assert_eq!(client.ask(&format!("echo {nth}")).expect("answered"), nth.to_string());
    }
    service.signal(Signal::SIGTERM);
    for client in &mut idle {
        assert!(client.rest().expect("the end, not a reset").is_empty());
    }
    let exit = service.wait(PATIENCE);
    exit.expect_code(0).expect_within(Duration::ZERO);
    expect_counts(&exit, &[("accepted", 20), ("closed_idle", 20)]);
}

#[test]
fn a_handler_that_panics_ends_its_connection_only() {
    let service = Service::fixture("lines").start();
    let mut panics = Client::connect(service.address()).expect("it listens");
    panics.send("panic").expect("it reads");
    assert!(panics.rest().expect("the end").is_empty());
    let mut lives = Client::connect(service.address()).expect("it still listens");
    assert_eq!(lives.ask("echo on").expect("answered"), "on");
    drop(lives);
    let exit = service.stop();
    exit.expect_code(0);
    let counts = counts(&exit);
    assert_eq!((counts["accepted"], counts["failed"]), (2, 1), "{exit}");
    assert!(exit.line("handler panicked").contains("panic=\"as asked\""), "{exit}");
}

#[test]
fn a_client_that_stops_reading_is_cut_at_the_deadline() {
    let service = Service::fixture("lines").env("SHUTDOWN_DRAIN", "1s").start();
    let mut client = Client::connect(service.address()).expect("it listens");
    client.send("flood").expect("it reads");
    // The first byte has come: the handler writes, and nobody reads on.
    client.stream().peek(&mut [0; 1]).expect("it floods");
    service.signal(Signal::SIGTERM);
    let exit = service.wait(PATIENCE);
    exit.expect_code(3).expect_not_before(Duration::from_secs(1)).expect_within(Duration::from_secs(1));
    expect_counts(&exit, &[("accepted", 1), ("cut", 1)]);
}

#[test]
fn a_second_signal_cuts_what_is_in_flight() {
    let service = Service::fixture("lines").start();
    let mut clients = in_flight(&service, 5, "stuck");
    service.signal(Signal::SIGTERM);
    service.wait_text("to=draining");
    service.signal_after(Duration::from_millis(600), Signal::SIGTERM);
    let exit = service.wait(PATIENCE);
    exit.expect_code(3).expect_within(Duration::from_millis(600) + Duration::from_millis(250) + SLACK);
    expect_counts(&exit, &[("accepted", 5), ("cut", 5)]);
    for client in &mut clients {
        client.rest().expect("cut in order");
    }
}

#[test]
fn budgets_run_on_while_it_is_stopped() {
    let service = Service::fixture("lines").env("SHUTDOWN_DRAIN", "1s").start();
    let _stuck = in_flight(&service, 1, "stuck");
    service.signal(Signal::SIGTERM);
    service.wait_text("to=draining");
    service.signal(Signal::SIGSTOP);
    service.signal_after(Duration::from_millis(1200), Signal::SIGCONT);
    let exit = service.wait(PATIENCE);
    exit.expect_code(3);
    // The second that it was stopped counted: the drain is not begun anew.
    exit.expect_not_before(Duration::from_millis(1200)).expect_within(Duration::from_millis(1400));
    expect_counts(&exit, &[("accepted", 1), ("cut", 1)]);
}
