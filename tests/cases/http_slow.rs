//! Clients that are too slow, with their head, their body, or in taking the answer: given up in time, and in nobody's way.

use std::io;
use std::time::{Duration, Instant};

use graceful_tests::{Http, Running, SLACK, Service, get};

use crate::http::{connect, http};

const TIMEOUT: Duration = Duration::from_millis(500);

fn impatient() -> Service {
    let timeouts = ["GF_HEAD_TIMEOUT", "GF_BODY_TIMEOUT", "GF_WRITE_TIMEOUT", "GF_KEEP_ALIVE"];
    http().envs(timeouts.map(|name| (name, "500"))).env("GRACEFUL_LOG", "debug")
}

/// Sends one byte after the other until the connection ends or breaks, then tells what came.
fn drip(client: &mut Http, bytes: &str, pause: Duration) -> io::Result<Vec<u8>> {
    let mut sender = client.sender()?;
    let bytes = bytes.to_owned();
    let dripping = std::thread::spawn(move || {
        use std::io::Write as _;

        for byte in bytes.as_bytes() {
            std::thread::sleep(pause);
            if sender.write_all(&[*byte]).is_err() {
                break;
            }
        }
    });
    let answer = client.rest();
    dripping.join().expect("no panic");
    answer
}

fn expect_408(answer: &[u8]) {
    let text = answer.escape_ascii().to_string();
    assert!(text.starts_with("HTTP/1.1 408 ") && text.contains("connection: close"), "{text}");
}

#[track_caller]
fn expect_took(began: Instant, least: Duration, most: Duration) {
    let took = began.elapsed();
    assert!(took >= least && took < most + SLACK, "it took {took:?}");
}

#[test]
fn a_head_that_does_not_end() {
    let service = impatient().start();
    let mut client = connect(&service);
    let began = Instant::now();
    client.send("GET / HTTP/1.1\r\nHo").expect("it reads");
    expect_408(&client.rest().expect("it ends in order"));
    expect_took(began, TIMEOUT, TIMEOUT);
    // Dripping does not prolong it, and neither does an answer before it.
    let mut client = connect(&service);
    client.get("/").expect(200, "hello\n");
    let began = Instant::now();
    let head = format!("GET / HTTP/1.1\r\nHost: x\r\nA: {}", "b".repeat(40));
    expect_408(&drip(&mut client, &head, Duration::from_millis(40)).expect("it ends in order"));
    expect_took(began, TIMEOUT, 2 * TIMEOUT);
    service.stop().expect_code(0).expect_served(2);
}

#[test]
fn a_head_that_does_not_begin() {
    let service = impatient().start();
    let began = Instant::now();
    let mut fresh = connect(&service);
    let mut used = connect(&service);
    used.get("/").expect(200, "hello\n");
    for client in [&mut fresh, &mut used] {
        client.expect_end();
        expect_took(began, TIMEOUT, TIMEOUT);
    }
    service.stop().expect_code(0).expect_served(2);
}

#[test]
fn a_body_that_does_not_end() {
    let service = impatient().start();
    // Short ones are waited for before the handler is called, others while it reads.
    for head in ["Content-Length: 100", "Content-Length: 100000", "Transfer-Encoding: chunked"] {
        let mut client = connect(&service);
        let began = Instant::now();
        client.send(format!("POST /echo HTTP/1.1\r\nHost: x\r\n{head}\r\n\r\n5\r\n")).expect("it reads");
        expect_408(&client.rest().expect("it ends in order"));
        expect_took(began, TIMEOUT, TIMEOUT);
        // A byte now and then is not enough.
        let mut client = connect(&service);
        let began = Instant::now();
        client.send(format!("POST /echo HTTP/1.1\r\nHost: x\r\n{head}\r\n\r\n")).expect("it reads");
        let body = "5f\r\n".to_owned() + &"x".repeat(40);
        expect_408(&drip(&mut client, &body, Duration::from_millis(40)).expect("it ends in order"));
        expect_took(began, TIMEOUT, 2 * TIMEOUT);
    }
    service.stop().expect_code(0).expect_served(6);
}

#[test]
fn an_answer_that_is_not_taken() {
    let service = impatient().start();
    for (path, fact) in [
        // Made while it is sent, by a worker; and at hand as a whole, on the loop.
        ("/download?bytes=100000000", "answer interrupted"),
        ("/", "client does not take its answer"),
    ] {
        let mut client = connect(&service);
        let began = Instant::now();
        // Each answer is larger than its request, so that at some time nothing fits any more.
        let number = if path == "/" { 100_000 } else { 1 };
        let mut sender = client.sender().expect("a descriptor");
        let requests = get(path).repeat(number);
        std::thread::spawn(move || {
            use std::io::Write as _;

            // It fails when the server has given up.
            let _ = sender.write_all(requests.as_bytes());
        });
        service.wait_text(fact);
        assert!(began.elapsed() >= TIMEOUT, "{:?}", began.elapsed());
        // What was sent is still there; how it ends tells that there is more.
        match client.rest() {
            Ok(taken) => assert!(taken.len() < 100_000_000, "{}", taken.len()),
            Err(error) => assert_eq!(error.kind(), io::ErrorKind::ConnectionReset, "{error}"),
        }
    }
    let exit = service.stop();
    exit.expect_code(0).expect_served(2);
}

#[test]
fn a_slow_but_steady_client_is_served() {
    let service = impatient().start();
    let mut client = connect(&service);
    // Longer than the timeout in all, and more than a kilobyte a second.
    client.send("POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 60000\r\n\r\n").expect("it reads");
    for _ in 0..6 {
        std::thread::sleep(Duration::from_millis(200));
        client.send([b'x'; 10_000]).expect("it reads");
    }
    client.answer().expect("answered").expect(200, "x".repeat(60_000));
    let mut client = connect(&service);
    client.send(get("/stream?chunks=6&bytes=100&ms=200")).expect("it reads");
    client.answer().expect("a slow answer is no slow client").expect(200, "x".repeat(600));
}

#[test]
fn they_are_in_nobodys_way() {
    let service = http().start();
    let slow: Vec<Http> = slow_ones(&service);
    let mut worst = Duration::ZERO;
    for _ in 0..20 {
        let mut client = connect(&service);
        for _ in 0..20 {
            let began = Instant::now();
            client.get("/").expect(200, "hello\n");
            client.ask(graceful_tests::post("/echo", "x")).expect("answered").expect(200, "x");
            worst = worst.max(began.elapsed());
        }
    }
    assert!(worst < Duration::from_secs(1), "the slowest took {worst:?}");
    drop(slow);
    service.stop().expect_code(0).expect_served(220);
}

fn slow_ones(service: &Running) -> Vec<Http> {
    let requests = [
        "GET / HTTP/1.1\r\nHo".to_owned(),
        "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nabc".to_owned(),
        "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 100000\r\n\r\nabc".to_owned(),
        get("/download?bytes=100000000"),
    ];
    let mut clients: Vec<Http> = (0..200).map(|_| connect(service)).collect();
    for (nth, client) in clients.iter_mut().enumerate() {
        client.send(&requests[nth % requests.len()]).expect("it reads");
    }
    clients
}
