//! Read-only while stopping: nothing new is changed, everything can still be read.

use std::time::Duration;

use graceful_tests::{PATIENCE, Signal, get, post};

use crate::http::{connect, http, idle, text};

#[test]
fn changes_are_refused_and_reads_are_served() {
    let service = http().env("GF_READ_ONLY", "yes").env("SHUTDOWN_LAME_DUCK", "1s").start();
    let mut clients = idle(&service, 10);
    connect(&service).ask(post("/sum", "[1]")).expect("answered").expect(200, "1");
    // Begun before the signal, it is carried out.
    let mut begun = connect(&service);
    begun.send("POST /count HTTP/1.1\r\nHost: x\r\nContent-Length: 50000\r\n\r\n").expect("it reads");
    service.wait_text("began");
    service.signal(Signal::SIGTERM);
    service.wait_text("to=lame_duck");
    begun.send(text(50_000)).expect("it reads");
    let requests = [
        (post("/sum", "[1]"), 503),
        (post("/echo", &text(100_000)), 503),
        ("POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\nExpect: 100-continue\r\n\r\n".to_owned(), 503),
        ("PUT /things/1 HTTP/1.1\r\nHost: x\r\n\r\n".to_owned(), 503),
        ("DELETE /things/1 HTTP/1.1\r\nHost: x\r\n\r\n".to_owned(), 503),
        ("BREW /things/1 HTTP/1.1\r\nHost: x\r\n\r\n".to_owned(), 503),
        (get("/things/1"), 200),
        ("OPTIONS /things/1 HTTP/1.1\r\nHost: x\r\n\r\n".to_owned(), 204),
        ("HEAD / HTTP/1.1\r\nHost: x\r\n\r\n".to_owned(), 200),
        (get("/work?ms=20"), 200),
    ];
    for (client, (request, status)) in clients.iter_mut().zip(&requests) {
        client.send(request).expect("it reads");
        let answer = if request.starts_with("HEAD") { client.head() } else { client.answer() }.expect("answered");
        assert!(answer.expect_status(*status).closes() && answer.interim.is_empty(), "{request:?}: {answer:?}");
        assert_eq!(answer.header("retry-after").is_some(), *status == 503, "{answer:?}");
        client.expect_end();
    }
    begun.answer().expect("answered").expect(200, "50000\n");
    drop(begun);
    let exit = service.wait(PATIENCE);
    exit.expect_code(0).expect_served(12).expect_answered(22).expect_within(Duration::from_secs(1));
}

#[test]
fn without_it_everything_is_served() {
    let service = http().env("SHUTDOWN_LAME_DUCK", "500ms").start();
    let mut client = connect(&service);
    client.get("/").expect(200, "hello\n");
    service.signal(Signal::SIGTERM);
    service.wait_text("to=lame_duck");
    client.ask(post("/sum", "[1, 2]")).expect("answered").expect(200, "3");
    service.wait(PATIENCE).expect_code(0);
}
