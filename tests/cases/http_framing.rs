//! Where a request begins and ends (RFC 9112): what is not clear is refused, and nothing behind it is answered.

use graceful_tests::{Http, Running, get};

use crate::http::{connect, http};

/// What is sent behind every request that is refused. Nobody may answer it.
const BEHIND: &str = "GET /things/smuggled HTTP/1.1\r\nHost: x\r\n\r\n";

/// `request` is answered with this status and `Connection: close`, then the connection ends.
#[track_caller]
fn refused(service: &Running, request: &[u8], status: u16) {
    let mut client = connect(service);
    client.send([request, BEHIND.as_bytes()].concat()).expect("it reads");
    expect_refusal(&mut client, &request.escape_ascii().to_string(), status);
}

#[track_caller]
fn expect_refusal(client: &mut Http, what: &str, status: u16) {
    let answer = client.answer().unwrap_or_else(|error| panic!("{what}: {error}"));
    assert!(answer.status == status && answer.closes(), "{what}: wanted {status}, got {answer:?}");
    let rest = client.rest().unwrap_or_else(|error| panic!("{what}: {error}"));
    assert!(rest.is_empty(), "{what}: {}", rest.escape_ascii());
}

/// `request` is answered with 200, and so is what is behind it.
#[track_caller]
fn taken(service: &Running, request: &[u8]) {
    let what = request.escape_ascii();
    let mut client = connect(service);
    client.send([request, BEHIND.as_bytes()].concat()).expect("it reads");
    let answer = client.answer().unwrap_or_else(|error| panic!("{what}: {error}"));
    assert_eq!(answer.status, 200, "{what}: {answer:?}");
    let answer = client.answer().unwrap_or_else(|error| panic!("{what}: {error}"));
    assert_eq!(answer.text(), "GET smuggled\n", "{what}: {answer:?}");
}

fn with(headers: &str) -> Vec<u8> {
    format!("POST /echo HTTP/1.1\r\nHost: x\r\n{headers}\r\n").into_bytes()
}

#[test]
fn request_lines() {
    let service = http().start();
    for (line, status) in [
        ("GET / HTTP/1.1", 200),
        ("GET http://x/ HTTP/1.1", 200),
        ("GET  / HTTP/1.1", 400),
        (" GET / HTTP/1.1", 400),
        ("GET /  HTTP/1.1", 400),
        ("GET / HTTP/1.1 ", 400),
        ("GET\t/ HTTP/1.1", 400),
        ("GET /", 400),
        ("GET / http/1.1", 400),
        ("GET / HTTP/1,1", 400),
        ("GET / HTTP/1.10", 400),
        ("GET / HTTP/2.0", 505),
        ("GET / HTTP/1.2", 505),
        ("GET / HTTP/0.9", 505),
        ("G(T / HTTP/1.1", 400),
        ("GET /a b HTTP/1.1", 400),
        ("GET /\u{e4} HTTP/1.1", 400),
        ("GET /# HTTP/1.1", 400),
        ("GET hello HTTP/1.1", 400),
        ("GET * HTTP/1.1", 400),
        ("GET ftp://x/ HTTP/1.1", 400),
        ("GET http:///a HTTP/1.1", 400),
        ("CONNECT x:80 HTTP/1.1", 501),
        ("CONNECT / HTTP/1.1", 400),
        // The beginning of a TLS handshake.
        ("\u{16}\u{3}\u{1}\u{2}", 400),
    ] {
        let request = format!("{line}\r\nHost: x\r\n\r\n");
        if status == 200 { taken(&service, request.as_bytes()) } else { refused(&service, request.as_bytes(), status) }
    }
}

#[test]
fn line_breaks() {
    let service = http().start();
    taken(&service, b"\r\nGET / HTTP/1.1\r\nHost: x\r\n\r\n");
    for request in [
        // A carriage return alone, in every place.
        "GET / HTTP/1.1\rHost: x\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: x\rA: b\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: x\r\nA: b\r\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: x\r\n\rX",
        "GET /\r HTTP/1.1\r\nHost: x\r\n\r\n",
        // A line feed alone.
        "GET / HTTP/1.1\nHost: x\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: x\n\r\n",
        "GET / HTTP/1.1\r\nHost: x\r\n\n",
        "\nGET / HTTP/1.1\r\nHost: x\r\n\r\n",
        // A line that goes on in the next.
        "GET / HTTP/1.1\r\nHost: x\r\nA: b\r\n c\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: x\r\nA: b\r\n\tc\r\n\r\n",
        "GET / HTTP/1.1\r\n Host: x\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding:\r\n chunked\r\n\r\n",
    ] {
        refused(&service, request.as_bytes(), 400);
    }
    refused(&service, "\r\n".repeat(100).as_bytes(), 400);
}

#[test]
fn header_lines() {
    let service = http().start();
    for line in ["A: b", "A:b", "A:", "a-b_c!: d", "A: \u{e4}\u{f6}", "A: b\tc"] {
        taken(&service, &with(&format!("{line}\r\nContent-Length: 0\r\n")));
    }
    for line in [
        "A : b",
        "A\t: b",
        "Content-Length : 5",
        "Transfer-Encoding : chunked",
        "A b: c",
        ": b",
        "A",
        "A(: b",
        "A\u{e4}: b",
        "A: b\u{0}c",
        "A: b\u{7f}",
        "A: b\u{1b}[31m",
    ] {
        refused(&service, &with(&format!("{line}\r\n")), 400);
    }
}

#[test]
fn hosts() {
    let service = http().start();
    for host in ["x", "example.org:80", "127.0.0.1", "[::1]:8080", ""] {
        taken(&service, format!("GET / HTTP/1.1\r\nHost: {host}\r\n\r\n").as_bytes());
    }
    for headers in [
        "",
        "A: b\r\n",
        "Host: x\r\nHost: x\r\n",
        "Host: x\r\nHost: y\r\n",
        "Host: x, y\r\n",
        "Host: x y\r\n",
        "Host: a/b\r\n",
        "Host: user@x\r\n",
        "Host: x:port\r\n",
        "Host: [::1\r\n",
        "Host: x:99999\r\n",
    ] {
        refused(&service, format!("GET / HTTP/1.1\r\n{headers}\r\n").as_bytes(), 400);
    }
    // Before hosts were invented.
    let mut client = connect(&service);
    client.ask("GET / HTTP/1.0\r\n\r\n").expect("answered").expect(200, "hello\n");
    // The target's host outweighs the header (RFC 9112 3.2.2).
    let mut client = connect(&service);
    let answer = client.ask("GET http://real/head HTTP/1.1\r\nHost: other\r\n\r\n").expect("answered");
    assert!(answer.text().contains("host: real\n"), "{answer:?}");
}

#[test]
fn lengths() {
    let service = http().start();
    for (length, body) in [("0", ""), ("5", "abcde"), ("005", "abcde")] {
        taken(&service, &[with(&format!("Content-Length: {length}\r\n")), body.into()].concat());
    }
    for length in
        ["+5", "-5", "5 5", "5,5", "5, 5", "0x5", "5.0", "", "five", "18446744073709551616", "99999999999999999999999"]
    {
        refused(&service, &[with(&format!("Content-Length: {length}\r\n")), "abcde".into()].concat(), 400);
    }
    for headers in [
        "Content-Length: 5\r\nContent-Length: 5\r\n",
        "Content-Length: 5\r\nContent-Length: 6\r\n",
        "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n",
        "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n",
        "Transfer-Encoding: chunked\r\nContent-Length: 0\r\n",
    ] {
        refused(&service, &[with(headers), b"0\r\n\r\n".to_vec()].concat(), 400);
    }
}

#[test]
fn transfer_codings() {
    let service = http().start();
    for coding in ["chunked", "CHUNKED", " chunked\t"] {
        taken(&service, &[with(&format!("Transfer-Encoding:{coding}\r\n")), b"0\r\n\r\n".to_vec()].concat());
    }
    for (coding, status) in [
        ("gzip, chunked", 501),
        ("gzip", 400),
        ("identity", 400),
        ("chunked, chunked", 400),
        ("chunked, gzip", 400),
        ("chunked,", 400),
        (", chunked", 400),
        ("\"chunked\"", 400),
        ("chunked;q=1", 400),
        ("xchunked", 400),
        ("chun ked", 400),
        ("", 400),
    ] {
        let request = [with(&format!("Transfer-Encoding: {coding}\r\n")), b"0\r\n\r\n".to_vec()].concat();
        refused(&service, &request, status);
    }
    refused(&service, &with("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n"), 400);
    refused(
        &service,
        b"POST /echo HTTP/1.0\r\nTransfer-Encoding: chunked\r\nConnection: keep-alive\r\n\r\n0\r\n\r\n",
        400,
    );
}

#[test]
fn chunks() {
    let service = http().start();
    let head = with("Transfer-Encoding: chunked\r\n");
    for body in
        ["0\r\n\r\n", "1\r\na\r\n0\r\n\r\n", "A;b=\"c\"\r\n0123456789\r\n0\r\nT: u\r\n\r\n", "001\r\na\r\n000\r\n\r\n"]
    {
        taken(&service, &[&head, body.as_bytes()].concat());
    }
    for (body, status) in [
        ("x\r\n", 400),
        ("\r\n", 400),
        ("-1\r\na\r\n0\r\n\r\n", 400),
        ("+1\r\na\r\n0\r\n\r\n", 400),
        ("0x1\r\na\r\n0\r\n\r\n", 400),
        (" 1\r\na\r\n0\r\n\r\n", 400),
        ("1 \r\na\r\n0\r\n\r\n", 400),
        ("1\na\r\n0\r\n\r\n", 400),
        ("1\ra\r\n0\r\n\r\n", 400),
        ("1\r\na\n0\r\n\r\n", 400),
        ("1\r\nab\r\n0\r\n\r\n", 400),
        ("2\r\na\r\n0\r\n\r\n", 400),
        ("1\r\na0\r\n\r\n", 400),
        ("10000000000000000\r\na\r\n0\r\n\r\n", 400),
        ("1;a\u{0}\r\na\r\n0\r\n\r\n", 400),
        ("0\r\nT u\r\n\r\n", 400),
        ("0\r\nT : u\r\n\r\n", 400),
        ("0\r\n T: u\r\n\r\n", 400),
        ("0\r\nT: u\rV: w\r\n\r\n", 400),
    ] {
        refused(&service, &[&head, body.as_bytes()].concat(), status);
        // The same when the handler reads already.
        let mut client = connect(&service);
        client.send(&head).expect("it reads");
        client.send("1\r\n!\r\n").expect("it reads");
        client.send([body.as_bytes(), BEHIND.as_bytes()].concat()).expect("it reads");
        expect_refusal(&mut client, &format!("late {body:?}"), status);
    }
    refused(&service, &[&head, format!("1;{}\r\na\r\n0\r\n\r\n", "x".repeat(20_000)).as_bytes()].concat(), 413);
    refused(&service, &[&head, format!("0\r\n{}\r\n", "T: u\r\n".repeat(100)).as_bytes()].concat(), 431);
    refused(&service, &[&head, format!("0\r\nT: {}\r\n\r\n", "u".repeat(10_000)).as_bytes()].concat(), 431);
}

#[test]
fn limits_of_a_head() {
    let service =
        http().env("GF_MAX_REQUEST_LINE", "100").env("GF_MAX_HEADERS", "10").env("GF_MAX_HEAD", "1000").start();
    let line = |length: usize| {
        let path = "/?".to_owned() + &"a".repeat(length - "GET /? HTTP/1.1".len());
        get(&path).into_bytes()
    };
    taken(&service, &line(98));
    refused(&service, &line(101), 414);
    refused(&service, &line(5000), 414);
    taken(&service, &with(&"A: b\r\n".repeat(8)));
    refused(&service, &with(&"A: b\r\n".repeat(20)), 431);
    taken(&service, &with(&format!("A: {}\r\n", "b".repeat(800))));
    refused(&service, &with(&format!("A: {}\r\n", "b".repeat(1000))), 431);
    // It need not be complete to be too long.
    let mut client = connect(&service);
    client.send(format!("GET / HTTP/1.1\r\nHost: x\r\nA: {}", "b".repeat(1200))).expect("it reads");
    expect_refusal(&mut client, "half of a head", 431);
    let mut client = connect(&service);
    client.send(format!("GET /{}", "a".repeat(200))).expect("it reads");
    expect_refusal(&mut client, "half of a line", 414);
    let exit = service.stop();
    exit.expect_code(0);
    // Those that were refused have ended too.
    assert_eq!(exit.connections("accepted"), exit.connections("completed") + exit.connections("closed_idle"));
}
