//! Handlers that panic or fail: 500 for one request, a line in the log that names the route, and the service goes on.

use std::io;

use graceful_tests::{Http, get};

use crate::http::{connect, http};

#[test]
fn a_panic_is_an_answer() {
    let service = http().start();
    let mut client = connect(&service);
    client.get("/panic").expect_status(500);
    // The connection is as good as before, and what was sent behind it is answered.
    client.send(format!("{}{}", get("/panic"), get("/"))).expect("it reads");
    client.answer().expect("answered").expect_status(500);
    client.answer().expect("answered").expect(200, "hello\n");
    drop(client);
    let exit = service.stop();
    exit.expect_code(0).expect_served(1).expect_answered(3);
    let line = exit.line("handler panicked");
    assert!(line.contains("/panic") && line.contains("as asked"), "{exit}");
}

#[test]
fn a_panic_in_the_body_cuts_it_off() {
    let service = http().start();
    let mut client = connect(&service);
    client.send(get("/panic/late")).expect("it reads");
    assert_eq!(client.head().expect("answered").status, 200);
    assert_eq!(client.chunk().expect("what came before"), b"so far so good\n");
    let error = client.chunk().expect_err("the body has no end");
    assert_eq!(error.kind(), io::ErrorKind::UnexpectedEof, "{error}");
    let exit = service.stop();
    exit.expect_code(0);
    let line = exit.line("response body panicked");
    assert!(line.contains("/panic/late") && line.contains("in the body"), "{exit}");
}

#[test]
fn an_error_is_told_to_the_log_and_not_to_the_client() {
    let service = http().start();
    let mut client = connect(&service);
    let answer = client.get("/error");
    assert!(!answer.expect_status(500).text().contains("disk"), "{answer:?}");
    drop(client);
    let exit = service.stop();
    let line = exit.line("handler failed");
    assert!(line.contains("/error") && line.contains("the disk is full"), "{exit}");
}

#[test]
fn many_at_once() {
    let service = http().start();
    let mut clients: Vec<Http> = (0..50).map(|_| connect(&service)).collect();
    for _ in 0..4 {
        for client in &mut clients {
            client.send(get("/panic")).expect("it reads");
        }
        for client in &mut clients {
            client.answer().expect("answered").expect_status(500);
        }
    }
    drop(clients);
    service.stop().expect_code(0).expect_served(50).expect_answered(200);
}
