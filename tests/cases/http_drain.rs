//! SIGTERM with every kind of connection: what was asked is answered, what is idle closes, what never ends is bounded, cut,
//! counted and named.

use std::io::Write;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use graceful_tests::{Http, PATIENCE, SLACK, Signal, get};

use crate::examples::wait_until_refused;
use crate::http::{connect, http, idle};

#[test]
fn a_request_that_crosses_the_signal_is_answered() {
    for _ in 0..5 {
        let service = http().start();
        let mut clients = idle(&service, 50);
        service.signal(Signal::SIGTERM);
        for client in &mut clients[..25] {
            client.send(get("/things/late")).expect("it is open");
        }
        for client in &mut clients[..25] {
            // It says that it is the last if the service knows of the signal by then.
            client.answer().expect("answered").expect(200, "GET late\n");
        }
        for client in &mut clients {
            client.expect_end();
        }
        let exit = service.wait(PATIENCE);
        exit.expect_code(0).expect_outcome("clean").expect_served(50).expect_answered(75);
        assert!(exit.connections("closed_idle") >= 25, "{exit}");
        exit.expect_within(Duration::from_millis(100));
    }
}

#[test]
fn what_is_in_flight_finishes() {
    let service = http().start();
    let mut clients: Vec<Http> = (0..200).map(|_| connect(&service)).collect();
    for client in &mut clients {
        client.send(get("/told?ms=500")).expect("it reads");
    }
    service.wait_count("working", 200);
    service.signal(Signal::SIGTERM);
    wait_until_refused(service.address());
    for client in &mut clients {
        let answer = client.answer().expect("answered");
        assert!(answer.expect(200, "done\n").closes(), "{answer:?}");
        client.expect_end();
    }
    let exit = service.wait(PATIENCE);
    exit.expect_code(0).expect_outcome("clean").expect_served(200).expect_answered(200);
    exit.expect_within(Duration::from_millis(600));
}

#[test]
fn halves_of_requests_that_are_completed() {
    let service = http().start();
    let parts = [
        ("GET /things/1 HTT", "P/1.1\r\nHost: x\r\n\r\n", "GET 1\n"),
        ("POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 6\r\n\r\nabc", "def", "abcdef"),
        ("POST /echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nab", "c\r\n0\r\n\r\n", "abc"),
    ];
    let mut clients: Vec<(Http, _)> = parts.iter().map(|part| (connect(&service), part)).collect();
    for (client, (first, ..)) in &mut clients {
        client.send(first).expect("it reads");
    }
    // One request more, so that these have been read by now.
    connect(&service).get("/").expect(200, "hello\n");
    service.signal(Signal::SIGTERM);
    wait_until_refused(service.address());
    for (client, (_, second, body)) in &mut clients {
        client.send(second).expect("it reads");
        let answer = client.answer().expect("answered");
        assert!(answer.expect(200, body).closes(), "{answer:?}");
        client.expect_end();
    }
    service.wait(PATIENCE).expect_code(0).expect_served(4).expect_answered(4);
}

/// Half of a head is waited for two seconds, a body for as long as it is silent for less than five.
#[test]
fn halves_of_requests_that_are_never_completed() {
    let service = http().start();
    let head = "POST /echo HTTP/1.1\r\nHost: x\r\n";
    let halves = [
        "GET / HTT".to_owned(),
        format!("{head}Content-Length: 100\r\n\r\nabc"),
        format!("{head}Content-Length: 100000\r\n\r\nabc"),
        format!("{head}Transfer-Encoding: chunked\r\n\r\n3\r\nab"),
        format!("{head}Content-Length: 100000\r\nExpect: 100-continue\r\n\r\n"),
        // This one is not read yet when the drain begins.
        "POST /count?wait=1000 HTTP/1.1\r\nHost: x\r\nContent-Length: 100000\r\n\r\nabc".to_owned(),
    ];
    let mut clients: Vec<Http> = halves.iter().map(|_| connect(&service)).collect();
    for (client, half) in clients.iter_mut().zip(&halves) {
        client.send(half).expect("it reads");
    }
    service.wait_text("began");
    connect(&service).get("/").expect(200, "hello\n");
    service.signal(Signal::SIGTERM);
    for (client, half) in clients.iter_mut().zip(&halves) {
        let answer = client.answer().unwrap_or_else(|error| panic!("{half:?}: {error}"));
        assert!(answer.expect_status(408).closes(), "{half:?}: {answer:?}");
        client.expect_end();
    }
    let exit = service.wait(PATIENCE);
    exit.expect_code(0).expect_outcome("clean").expect_served(7).expect_not_before(Duration::from_secs(5));
    // All but the half of a head were requests.
    exit.expect_answered(6);
    exit.expect_within(Duration::from_secs(6));
}

#[test]
fn a_stuck_handler_is_cut_counted_and_named() {
    let service = http().env("SHUTDOWN_DRAIN", "1500ms").start();
    let mut stuck = connect(&service);
    stuck.send(get("/stuck")).expect("it reads");
    service.wait_line(|line| line.text() == "stuck", PATIENCE);
    let mut clients: Vec<Http> = (0..20).map(|_| connect(&service)).collect();
    for client in &mut clients {
        client.send(get("/told?ms=300")).expect("it reads");
    }
    service.wait_count("working", 20);
    service.signal(Signal::SIGTERM);
    for client in &mut clients {
        client.answer().expect("the stuck one is in nobody's way").expect(200, "done\n");
    }
    stuck.expect_end();
    let exit = service.wait(PATIENCE);
    exit.expect_code(3).expect_outcome("incomplete").expect_incomplete("1 connections were cut");
    exit.expect_not_before(Duration::from_millis(1500)).expect_within(Duration::from_millis(1500));
    assert_eq!((exit.connections("cut"), exit.connections("completed")), (1, 20), "{exit}");
    let requests = &exit.report()["requests"];
    assert_eq!((requests["received"].as_u64(), requests["answered"].as_u64()), (Some(21), Some(20)), "{exit}");
    let line = exit.line("connection cut");
    assert!(line.contains("peer=127.0.0.1:") && line.contains("stuck="), "{exit}");
}

#[test]
fn clients_that_stop_reading_are_cut_at_the_deadline() {
    let service = http().env("SHUTDOWN_DRAIN", "1500ms").start();
    // From a worker that makes the answer while it is sent, and from the loop.
    let mut clients = [connect(&service), connect(&service)];
    clients[0].send(get("/download?bytes=1000000000")).expect("it reads");
    clients[0].wait_byte().expect("it answers");
    let sender = clients[1].sender().expect("a descriptor");
    let written = Arc::new(AtomicUsize::new(0));
    let sending = thread::spawn({
        let written = Arc::clone(&written);
        move || ask_without_end(sender, &written)
    });
    // It stands when the server does not read on, since its answers fit nowhere.
    let mut before = 0;
    while before == 0 || before < written.load(Ordering::Relaxed) {
        before = written.load(Ordering::Relaxed);
        thread::sleep(Duration::from_millis(300));
    }
    service.signal(Signal::SIGTERM);
    let exit = service.wait(PATIENCE);
    exit.expect_code(3).expect_incomplete("2 connections were cut").expect_not_before(Duration::from_millis(1500));
    exit.expect_within(Duration::from_millis(1500));
    assert_eq!((exit.connections("accepted"), exit.connections("cut")), (2, 2), "{exit}");
    sending.join().expect("no panic");
    drop(clients);
}

/// Until the connection is no more.
fn ask_without_end(mut sender: impl Write, written: &AtomicUsize) {
    let requests = get("/").repeat(1000);
    let mut at = 0;
    while let Ok(length) = sender.write(&requests.as_bytes()[at..]) {
        at = (at + length) % requests.len();
        written.fetch_add(length, Ordering::Relaxed);
    }
}

#[test]
fn a_thousand_idle_connections_close_at_once() {
    let service = http().start();
    let mut clients = idle(&service, 1000);
    service.signal(Signal::SIGTERM);
    for client in &mut clients {
        client.expect_end();
    }
    let exit = service.wait(PATIENCE);
    exit.expect_code(0).expect_outcome("clean").expect_served(1000).expect_answered(1000);
    assert_eq!(exit.connections("closed_idle"), 1000, "{exit}");
    exit.expect_within(Duration::from_millis(200));
}

/// What does not read its stop is cut, and its client can tell that there is more.
#[test]
fn a_stream_that_does_not_listen_is_cut() {
    let service = http().env("SHUTDOWN_DRAIN", "1s").start();
    let mut client = connect(&service);
    client.send(get("/stream?chunks=1000000&bytes=10&ms=10")).expect("it reads");
    client.head().expect("answered").expect_status(200);
    assert_eq!(client.chunk().expect("a chunk").len(), 10);
    service.signal(Signal::SIGTERM);
    while let Ok(chunk) = client.chunk() {
        assert!(!chunk.is_empty(), "it looks as if it were complete");
    }
    let exit = service.wait(PATIENCE);
    exit.expect_code(3).expect_incomplete("1 connections were cut").expect_not_before(Duration::from_secs(1));
    exit.expect_within(Duration::from_secs(1));
    assert_eq!(exit.connections("cut"), 1, "{exit}");
}

#[test]
fn a_second_signal_ends_the_waiting() {
    let service = http().start();
    let mut clients: Vec<Http> = (0..3).map(|_| connect(&service)).collect();
    for client in &mut clients {
        client.send(get("/stuck")).expect("it reads");
    }
    service.wait_count("stuck", 3);
    service.signal(Signal::SIGTERM);
    service.wait_text("to=draining");
    service.signal_after(Duration::from_millis(600), Signal::SIGTERM);
    let exit = service.wait(PATIENCE);
    exit.expect_code(3).expect_within(Duration::from_millis(850) + SLACK);
    assert_eq!(exit.connections("cut"), 3, "{exit}");
    for client in &mut clients {
        client.expect_end();
    }
}
