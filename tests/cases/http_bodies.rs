//! Bodies in both directions: whole, in chunks, while the handler runs, too long, unwanted.

use std::io::Write as _;
use std::thread;
use std::time::{Duration, Instant};

use graceful_tests::{Answer, Http, SLACK, get, post};

use crate::http::{connect, http, text};

/// A `POST` whose body comes in chunks of that size.
fn chunked(path: &str, body: &str, size: usize) -> Vec<u8> {
    let mut request = format!("POST {path} HTTP/1.1\r\nHost: test\r\nTransfer-Encoding: chunked\r\n\r\n").into_bytes();
    for chunk in body.as_bytes().chunks(size) {
        request.extend(format!("{:x};note=\"of size\"\r\n", chunk.len()).into_bytes());
        request.extend(chunk);
        request.extend(b"\r\n");
    }
    request.extend(b"0\r\nX-Trailer: dropped\r\n\r\n");
    request
}

/// The head of a `POST` whose body is still to come.
fn head(path: &str, length: usize, more: &str) -> String {
    format!("POST {path} HTTP/1.1\r\nHost: test\r\nContent-Length: {length}\r\n{more}\r\n")
}

/// Sends from another thread, since the server may answer before it has read everything.
fn ask_while_sending(client: &mut Http, request: &[u8]) -> Answer {
    let mut sender = client.sender().expect("a descriptor");
    thread::scope(|scope| {
        let sending = scope.spawn(move || sender.write_all(request));
        let answer = client.answer().expect("answered");
        sending.join().expect("no panic").expect("all of it is taken");
        answer
    })
}

#[test]
fn a_length_and_chunks_are_the_same_to_a_handler() {
    let service = http().start();
    let mut client = connect(&service);
    for length in [0, 1, 7, 1000, 20_000, 40_000, 70_000, 1_000_000] {
        let body = text(length);
        ask_while_sending(&mut client, post("/echo", &body).as_bytes()).expect(200, &body);
        for size in [1 + length / 40, 1 + length / 3, length + 1] {
            ask_while_sending(&mut client, &chunked("/echo", &body, size)).expect(200, &body);
        }
    }
    drop(client);
    service.stop().expect_code(0).expect_served(1).expect_answered(32);
}

#[test]
fn a_body_is_sent_back_while_it_comes() {
    let service = http().start();
    for length in [0, 1, 1000, 40_000, 1_000_000] {
        let body = text(length);
        let size = 1 + length / 7;
        ask_while_sending(&mut connect(&service), post("/reflect", &body).as_bytes()).expect(200, &body);
        ask_while_sending(&mut connect(&service), &chunked("/reflect", &body, size)).expect(200, &body);
    }
    // It is there before the rest is sent.
    let mut client = connect(&service);
    client.send("POST /reflect HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n").expect("it reads");
    client.head().expect("answered").expect_status(200);
    client.send(format!("5000\r\n{}\r\n", text(0x5000))).expect("it reads");
    assert_eq!(client.chunk().expect("the beginning").len(), 16 * 1024);
    client.send("0\r\n\r\n").expect("it reads");
    assert_eq!(client.chunk().expect("the rest").len(), 0x5000 - 16 * 1024);
    assert!(client.chunk().expect("the end").is_empty());
    service.stop().expect_code(0);
}

#[test]
fn answers_come_in_chunks_where_their_length_is_not_known() {
    let service = http().start();
    let mut client = connect(&service);
    let known = client.get("/download?bytes=3000000");
    assert_eq!(known.expect(200, "x".repeat(3_000_000)).header("content-length"), Some("3000000"));
    client.send(get("/stream?chunks=3&bytes=1000&ms=20")).expect("it reads");
    let head = client.head().expect("answered");
    assert_eq!((head.header("transfer-encoding"), head.header("content-length")), (Some("chunked"), None));
    for _ in 0..3 {
        assert_eq!(client.chunk().expect("a chunk, at once").len(), 1000);
    }
    assert!(client.chunk().expect("the last chunk").is_empty());
    client.get("/").expect(200, "hello\n");
    // A body that fails in the middle is not taken for a whole one.
    client.send(get("/broken")).expect("it reads");
    let error = client.answer().expect_err("it cannot be complete");
    assert_eq!(error.kind(), std::io::ErrorKind::UnexpectedEof);
    service.stop().expect_code(0);
}

#[test]
fn a_client_that_asks_is_told_to_go_on() {
    let service = http().start();
    let mut client = connect(&service);
    for length in [5, 100_000] {
        let body = text(length);
        client.send(head("/echo", length, "Expect: 100-continue\r\n")).expect("it reads");
        // It comes before the body is sent, or not at all.
        client.wait_byte().expect("invited");
        client.send(&body).expect("it reads");
        let answer = client.answer().expect("answered");
        assert_eq!(answer.expect(200, &body).interim, [100]);
    }
    // Nobody waits for an invitation to a body that is there already.
    let whole = format!("{}{}", head("/echo", 5, "Expect: 100-continue\r\n"), "12345");
    let answer = client.ask(whole).expect("answered");
    assert!(answer.expect(200, "12345").interim.is_empty(), "{answer:?}");
}

#[test]
fn a_client_that_asks_is_refused_where_nobody_wants_its_body() {
    let service = http().env("GF_MAX_BODY", "1000").start();
    for (path, length, status) in [("/ignore", 500, 200), ("/echo", 2000, 413), ("/nothing", 500, 404)] {
        let mut client = connect(&service);
        let answer = client.ask(head(path, length, "Expect: 100-continue\r\n")).expect("answered without the body");
        answer.expect_status(status);
        // What the client sends next would be taken for the body.
        assert!(answer.interim.is_empty() && answer.closes(), "{path}: {answer:?}");
        client.expect_end();
    }
    let mut client = connect(&service);
    client.ask(head("/echo", 10, "Expect: a miracle\r\n")).expect("answered").expect_status(417);
    client.expect_end();
}

#[test]
fn a_body_has_a_limit() {
    let service = http().env("GF_MAX_BODY", "100000").start();
    for length in [100, 99_999, 100_000] {
        let body = text(length);
        ask_while_sending(&mut connect(&service), post("/echo", &body).as_bytes()).expect(200, &body);
        ask_while_sending(&mut connect(&service), &chunked("/echo", &body, 5000)).expect(200, &body);
    }
    for length in [100_001, 150_000, 1_000_000] {
        let body = text(length);
        let mut client = connect(&service);
        // It is told even though it goes on sending.
        ask_while_sending(&mut client, post("/echo", &body).as_bytes()).expect_status(413);
        let mut client = connect(&service);
        ask_while_sending(&mut client, &chunked("/echo", &body, 5000)).expect_status(413);
    }
    let mut client = connect(&service);
    client.ask(head("/echo", usize::MAX, "")).expect("answered at once").expect_status(413);
    client.expect_end();
    // A handler may have another.
    let body = text(200_000);
    ask_while_sending(&mut connect(&service), post("/count", &body).as_bytes()).expect(200, "200000\n");
    service.stop().expect_code(0);
}

#[test]
fn an_answer_does_not_wait_for_the_body() {
    let service = http().start();
    // Nothing of it was sent, and half a megabyte: neither is in the way of the answer.
    for sent in [0, 500_000] {
        let mut client = connect(&service);
        client.send(head("/ignore", 10_000_000, "")).expect("it reads");
        client.send(text(sent)).expect("it is taken");
        let answer = client.answer().expect("answered, and not reset");
        assert!(answer.expect(200, "ignored\n").closes(), "{answer:?}");
        client.expect_end();
    }
    // A client that looks only when it has sent all of it finds the answer, too.
    for (pieces, size, pause) in [(40, 500_000, 0), (8, 10_000, 300)] {
        let mut client = connect(&service);
        client.send(head("/echo", 50_000_000, "")).expect("it reads");
        for _ in 0..pieces {
            client.send(vec![b'x'; size]).expect("it is taken");
            thread::sleep(Duration::from_millis(pause));
        }
        let answer = client.answer().expect("answered, and not reset");
        assert!(answer.expect_status(413).closes(), "{answer:?}");
        client.expect_end();
    }
    // What little there is left of a body is no reason to close.
    let mut client = connect(&service);
    for _ in 0..3 {
        let answer = client.ask(post("/ignore", &text(30_000))).expect("answered");
        assert!(!answer.expect(200, "ignored\n").closes(), "{answer:?}");
        let answer = client.ask(chunked("/first?bytes=4", &text(3000), 1000)).expect("answered");
        assert!(!answer.expect(200, "0000").closes(), "{answer:?}");
    }
}

#[test]
fn who_goes_on_sending_after_the_answer_holds_up_no_exit() {
    let service = http().start();
    let mut client = connect(&service);
    client.send(head("/ignore", 1_000_000_000, "")).expect("it reads");
    client.answer().expect("answered").expect(200, "ignored\n");
    let mut sender = client.sender().expect("a descriptor");
    let sending = thread::spawn(move || while sender.write_all(&[b'x'; 10_000]).is_ok() {});
    let exit = service.stop();
    exit.expect_code(0).expect_served(1).expect_answered(1).expect_within(Duration::from_secs(1));
    sending.join().expect("no panic");
}

#[test]
fn a_handler_reads_while_the_client_sends() {
    let service = http().start();
    let mut client = connect(&service);
    client.send(head("/count", 50_000, "")).expect("it reads");
    service.wait_text("began");
    let mut sent = 0;
    for piece in [5, 10_000, 39_995] {
        client.send(text(piece)).expect("it reads");
        sent += piece;
        service.wait_line(|line| line.text() == format!("got {sent}"), graceful_tests::PATIENCE);
    }
    client.answer().expect("answered").expect(200, "50000\n");
    // Two handlers at once, and chunks of a client that does not know yet how much it will be.
    let mut other = connect(&service);
    other.send("POST /count HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n").expect("it reads");
    client.send(head("/count", 60_000, "")).expect("it reads");
    other.send("3\r\nabc\r\n").expect("it reads");
    service.wait_line(|line| line.text() == "got 3", graceful_tests::PATIENCE);
    client.send(text(60_000)).expect("it reads");
    client.answer().expect("answered").expect(200, "60000\n");
    other.send("0\r\n\r\n").expect("it reads");
    other.answer().expect("answered").expect(200, "3\n");
    drop((client, other));
    service.stop().expect_code(0).expect_served(2).expect_answered(3);
}

#[test]
fn what_follows_an_upload_is_answered_after_it() {
    let service = http().start();
    for length in [10, 40_000, 300_000] {
        let body = text(length);
        let mut client = connect(&service);
        let mut request = post("/count", &body).into_bytes();
        request.extend(get("/things/1").into_bytes());
        request.extend(chunked("/echo", "abc", 2));
        request.extend(get("/things/2").into_bytes());
        ask_while_sending(&mut client, &request).expect(200, format!("{length}\n"));
        client.answer().expect("answered").expect(200, "GET 1\n");
        client.answer().expect("answered").expect(200, "abc");
        client.answer().expect("answered").expect(200, "GET 2\n");
        client.get("/").expect(200, "hello\n");
    }
    // A body that was not read to its end must not be taken for a request.
    let mut client = connect(&service);
    let inner = get("/things/inside");
    let outer = format!("{}{}", post("/first?bytes=3", &inner), get("/things/behind"));
    client.ask(outer).expect("answered").expect(200, "GET");
    client.answer().expect("answered").expect(200, "GET behind\n");
}

#[test]
fn a_client_that_leaves_in_the_middle_of_a_body_is_no_trouble() {
    let service = http().start();
    for request in [head("/count", 100_000, ""), head("/echo", 10, ""), head("/reflect", 100_000, "")] {
        let mut client = connect(&service);
        client.send(request).expect("it reads");
        client.send("some").expect("it reads");
        client.finish_sending().expect("it is connected");
        let began = Instant::now();
        client.rest().expect("it ends");
        assert!(began.elapsed() < Duration::from_secs(1) + SLACK, "{:?}", began.elapsed());
    }
    connect(&service).get("/").expect(200, "hello\n");
    let exit = service.stop();
    exit.expect_code(0).expect_served(4);
}
