//! Answers that take as long as the client listens: they are told that the service stops, and end as they should.

use std::time::Duration;

use graceful_tests::{Http, PATIENCE, Signal, get};

use crate::http::{connect, http};

#[test]
fn events_and_long_polls_end_at_the_signal() {
    let service = http().start();
    let mut listeners: Vec<Http> = (0..20).map(|_| connect(&service)).collect();
    for client in &mut listeners {
        client.send(get("/events")).expect("it reads");
    }
    for client in &mut listeners {
        let head = client.head().expect("answered");
        assert_eq!(head.expect_status(200).header("content-type"), Some("text/event-stream"), "{head:?}");
        for tick in 0..3 {
            assert_eq!(client.chunk().expect("an event"), format!("data: {tick}\n\n").as_bytes());
        }
    }
    let mut polls: Vec<Http> = (0..20).map(|_| connect(&service)).collect();
    for client in &mut polls {
        client.send(get("/poll")).expect("it reads");
    }
    service.wait_count("polled", 20);
    service.signal(Signal::SIGTERM);
    for client in &mut polls {
        let answer = client.answer().expect("answered");
        assert!(answer.expect(200, "come back later\n").closes(), "{answer:?}");
        client.expect_end();
    }
    for client in &mut listeners {
        let mut last = Vec::new();
        // The last event is there, and so is the end of the body.
        while let Some(chunk) = Some(client.chunk().expect("the body ends")).filter(|chunk| !chunk.is_empty()) {
            last = chunk;
        }
        assert_eq!(last, b"data: bye\n\n");
        client.expect_end();
    }
    let exit = service.wait(PATIENCE);
    exit.expect_code(0).expect_outcome("clean").expect_served(40).expect_answered(40);
    exit.expect_within(Duration::from_millis(100));
}

#[test]
fn a_listener_that_leaves_ends_its_stream() {
    let service = http().start();
    for _ in 0..10 {
        let mut client = connect(&service);
        client.send(get("/events")).expect("it reads");
        client.wait_byte().expect("answered");
    }
    // All of them have gone; the signal finds none, or ends them.
    let exit = service.stop();
    exit.expect_code(0).expect_served(10).expect_within(Duration::from_millis(100));
}
