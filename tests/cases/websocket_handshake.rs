//! The request for an upgrade, and its answer (RFC 6455, section 4).

use graceful_tests::ws::{FIN, Origin, PING, TEXT, Ws, close, frame, part, ping, text, upgrade};
use graceful_tests::{Answer, Running, get};

use crate::websocket::{expect_counts, open, ponged, websocket};

const KEY: &str = "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==";
const VERSION: &str = "Sec-WebSocket-Version: 13";

fn ask(service: &Running, request: impl AsRef<[u8]>) -> (Ws, Answer) {
    Ws::ask(Origin::default(), service.address(), request).expect("answered")
}

fn with(headers: &[&str]) -> String {
    format!("GET /echo HTTP/1.1\r\nHost: test\r\n{}\r\n\r\n", headers.join("\r\n"))
}

#[test]
fn requests_that_are_upgraded() {
    let service = websocket().start();
    let plain = ["Connection: Upgrade", "Upgrade: websocket"];
    let mut upgraded = 0;
    for headers in [
        &plain[..],
        // Any case, names too.
        &["connection: upgrade", "upgrade: WebSocket"],
        &["CONNECTION: UPGRADE", "UPGRADE: WEBSOCKET"],
        // In a list.
        &["Connection: keep-alive, Upgrade", "Upgrade: websocket"],
        &["Connection: keep-alive ,\tUpgrade ,x", "Upgrade: h2c, websocket"],
        &["Connection: ,,Upgrade,", "Upgrade: websocket"],
        // In several headers.
        &["Connection: keep-alive", "Upgrade: h2c", "Connection: Upgrade", "Upgrade: websocket"],
        // What else browsers say.
        &["Connection: Upgrade", "Upgrade: websocket", "Origin: http://anywhere", "Cookie: a=b"],
        &[
            "Connection: Upgrade",
            "Upgrade: websocket",
            "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits",
        ],
        &["Connection: Upgrade", "Upgrade: websocket", "Sec-WebSocket-Protocol: chat, superchat"],
        &["Connection: Upgrade", "Upgrade: websocket", "Content-Length: 0"],
    ] {
        let (mut client, answer) = ask(&service, with(&[headers, &[VERSION, KEY]].concat()));
        answer.expect_upgraded();
        assert_eq!(
            (answer.version.as_str(), answer.header("sec-websocket-protocol")),
            ("HTTP/1.1", None),
            "{answer:?}"
        );
        client.echo("hello");
        client.close();
        upgraded += 1;
    }
    // Byte by byte.
    let mut client = Ws::connect(Origin::default(), service.address()).expect("it listens");
    for byte in upgrade("/echo", "").as_bytes() {
        client.send([*byte]).expect("it reads");
    }
    client.answer().expect("answered").expect_upgraded();
    client.close();
    let exit = service.stop();
    exit.expect_code(0);
    expect_counts(&exit, &[("opened", upgraded + 1), ("errors", 0), ("lost", 0)]);
}

#[test]
fn requests_that_are_not() {
    let service = websocket().start();
    let both = ["Connection: Upgrade", "Upgrade: websocket"];
    let row = |status: u16, headers: &[&str]| (status, with(headers));
    let other = |line: &str| format!("{line}\r\nHost: test\r\n{}\r\n{VERSION}\r\n{KEY}\r\n\r\n", both.join("\r\n"));
    let rows = [
        // No WebSocket is asked for.
        row(426, &["A: b"]),
        row(426, &["Connection: Upgrade", VERSION, KEY]),
        row(426, &["Upgrade: websocket", VERSION, KEY]),
        row(426, &["Connection: keep-alive", "Upgrade: websocket", VERSION, KEY]),
        row(426, &["Connection: Upgraded", "Upgrade: websocket", VERSION, KEY]),
        row(426, &["Connection: \"Upgrade\"", "Upgrade: websocket", VERSION, KEY]),
        row(426, &["Connection: Upgrade", "Upgrade: h2c", VERSION, KEY]),
        row(426, &["Connection: Upgrade", "Upgrade: websockets", VERSION, KEY]),
        row(426, &["Connection: Upgrade", "Upgrade:", VERSION, KEY]),
        // Another version of it.
        row(426, &[both[0], both[1], KEY]),
        row(426, &[both[0], both[1], KEY, "Sec-WebSocket-Version: 8"]),
        row(426, &[both[0], both[1], KEY, "Sec-WebSocket-Version: 14"]),
        row(426, &[both[0], both[1], KEY, "Sec-WebSocket-Version: 013"]),
        row(426, &[both[0], both[1], KEY, "Sec-WebSocket-Version: x"]),
        row(426, &[both[0], both[1], KEY, "Sec-WebSocket-Version: 13, 8"]),
        // Keys that are not 16 bytes.
        row(400, &[both[0], both[1], VERSION]),
        row(400, &[both[0], both[1], VERSION, "Sec-WebSocket-Key:"]),
        row(400, &[both[0], both[1], VERSION, "Sec-WebSocket-Key: c2hvcnQ="]),
        row(400, &[both[0], both[1], VERSION, "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ"]),
        row(400, &[both[0], both[1], VERSION, "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZSB0b28gbG9uZw=="]),
        row(400, &[both[0], both[1], VERSION, "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25j!Q=="]),
        row(400, &[both[0], both[1], VERSION, "Sec-WebSocket-Key: ========================"]),
        row(400, &[both[0], both[1], VERSION, KEY, KEY]),
        // Versions of HTTP and methods that have none.
        (400, other("GET /echo HTTP/1.0")),
        (400, other("POST /echo HTTP/1.1")),
        (400, other("PUT /echo HTTP/1.1")),
        // Where there is none.
        (404, other("GET /nothing HTTP/1.1")),
        (405, other("POST /room/x HTTP/1.1")),
    ];
    for (status, request) in &rows {
        let (_, answer) = ask(&service, request);
        assert_eq!(answer.status, *status, "{request}: {answer:?}");
        if *status == 426 {
            assert_eq!(answer.header("sec-websocket-version"), Some("13"), "{request}: {answer:?}");
            assert!(
                answer.header("upgrade").is_some_and(|value| value.eq_ignore_ascii_case("websocket")),
                "{answer:?}"
            );
        }
        if *status != 101 {
            assert_eq!(answer.header("sec-websocket-accept"), None, "{request}: {answer:?}");
        }
    }
    let exit = service.stop();
    exit.expect_code(0).expect_answered(rows.len() as u64);
    expect_counts(&exit, &[("opened", 0), ("errors", 0)]);
}

/// A refusal is an answer like any other: the connection stays, and may be upgraded after it.
#[test]
fn a_connection_that_was_refused_goes_on() {
    let service = websocket().start();
    let (mut client, answer) = ask(&service, with(&["A: b"]));
    answer.expect_status(426);
    client.send(get("/")).expect("it reads");
    client.answer().expect("answered").expect(200, "hello\n");
    client.send(upgrade("/echo", "")).expect("it reads");
    client.answer().expect("answered").expect_upgraded();
    client.echo("at last");
    client.close();
    // Pipelined, too: answers stay in order.
    let mut client = Ws::connect(Origin::default(), service.address()).expect("it listens");
    client.send([get("/"), get("/rooms"), upgrade("/echo", "")].concat()).expect("it reads");
    client.send([text("one"), ping("p"), text("two")].concat()).expect("it reads");
    client.answer().expect("answered").expect(200, "hello\n");
    client.answer().expect("answered").expect(200, "");
    client.answer().expect("answered").expect_upgraded();
    client.expect_text("one");
    client.expect(&ponged("p"));
    client.expect_text("two");
    client.close();
    service.stop().expect_code(0).expect_served(2);
}

/// A client may speak at once, before it has been answered.
#[test]
fn what_comes_behind_the_request_is_not_lost() {
    let service = websocket().start();
    let frames = [text("one"), part(TEXT, "tw"), frame(FIN | PING, "p"), frame(FIN, "o")].concat();
    let whole = [upgrade("/echo?greeting=hi", "").into_bytes(), frames].concat();
    // Torn apart at each byte around the end of the head.
    let head = upgrade("/echo?greeting=hi", "").len();
    for at in head - 5..whole.len() {
        let mut client = Ws::connect(Origin::default(), service.address()).expect("it listens");
        client.send(&whole[..at]).expect("it reads");
        client.send(&whole[at..]).expect("it reads");
        client.answer().expect("answered").expect_upgraded();
        for message in ["hi", "one"] {
            client.expect_text(message);
        }
        client.expect(&ponged("p"));
        client.expect_text("two");
        client.close();
    }
    // More than a buffer holds.
    let message = "long ".repeat(40_000);
    let mut client = Ws::connect(Origin::default(), service.address()).expect("it listens");
    client.send([upgrade("/echo", "").into_bytes(), text(&message), close(1000, "")].concat()).expect("it reads");
    client.answer().expect("answered").expect_upgraded();
    client.expect_text(&message);
    client.expect_close(1000);
    client.expect_end();
    service.stop().expect_code(0);
}

/// A body is none of a WebSocket's: it is refused, or read, and never mistaken for frames.
#[test]
fn a_body_with_the_request() {
    let service = websocket().start();
    let body = text("smuggled");
    for framing in [format!("Content-Length: {}\r\n", body.len()), "Transfer-Encoding: chunked\r\n".to_owned()] {
        let mut request = upgrade("/echo", &framing).into_bytes();
        if framing.starts_with('T') {
            request.extend(format!("{:x}\r\n", body.len()).into_bytes());
            request.extend(&body);
            request.extend(b"\r\n0\r\n\r\n");
        } else {
            request.extend(&body);
        }
        let (mut client, answer) = ask(&service, &request);
        if answer.status == 101 {
            client.echo("the first");
            client.close();
        } else {
            answer.expect_status(400);
        }
    }
    service.stop().expect_code(0);
}

#[test]
fn origins() {
    let service = websocket().env("GF_ORIGINS", "https://example.org,http://localhost:8080").start();
    for (origin, status) in [
        // No browser.
        (None, 101),
        (Some("https://example.org"), 101),
        (Some("http://localhost:8080"), 101),
        (Some("HTTPS://EXAMPLE.org"), 101),
        (Some("http://example.org"), 403),
        (Some("https://example.org.evil.net"), 403),
        (Some("https://evil.net/https://example.org"), 403),
        (Some("https://example.org:8443"), 403),
        (Some("http://localhost"), 403),
        (Some("null"), 403),
        (Some(""), 403),
    ] {
        let header = origin.map(|origin| format!("Origin: {origin}\r\n")).unwrap_or_default();
        let (_, answer) = ask(&service, upgrade("/echo", &header));
        assert_eq!(answer.status, status, "{origin:?}: {answer:?}");
    }
    // Twice is never right.
    let (_, answer) = ask(&service, upgrade("/echo", "Origin: https://example.org\r\nOrigin: http://evil.net\r\n"));
    assert!(matches!(answer.status, 400 | 403), "{answer:?}");
    service.stop().expect_code(0);
    // Unless a list is given, all are welcome.
    let service = websocket().start();
    for header in ["", "Origin: null\r\n", "Origin: https://anybody\r\n"] {
        ask(&service, upgrade("/echo", header)).1.expect_upgraded();
    }
    service.stop().expect_code(0);
}

#[test]
fn subprotocols() {
    let service = websocket().env("GF_SUBPROTOCOLS", "chat.v2,chat.v1").start();
    for (headers, chosen) in [
        ("", None),
        ("Sec-WebSocket-Protocol: chat.v1\r\n", Some("chat.v1")),
        ("Sec-WebSocket-Protocol: chat.v1, chat.v2\r\n", Some("chat.v2")),
        ("Sec-WebSocket-Protocol: chat.v1\r\nSec-WebSocket-Protocol: chat.v2\r\n", Some("chat.v2")),
        ("Sec-WebSocket-Protocol: other,chat.v1 , more\r\n", Some("chat.v1")),
        ("Sec-WebSocket-Protocol: other\r\n", None),
        // They are told apart by case (RFC 6455, section 4.1).
        ("Sec-WebSocket-Protocol: CHAT.V1\r\n", None),
    ] {
        let (mut client, answer) = ask(&service, upgrade("/echo", headers));
        answer.expect_upgraded();
        assert_eq!(answer.header("sec-websocket-protocol"), chosen, "{headers:?}: {answer:?}");
        client.echo("hello");
        client.close();
    }
    service.stop().expect_code(0);
}

/// The connections of HTTP and of WebSockets are the same books.
#[test]
fn they_are_counted_like_any_other() {
    let service = websocket().start();
    let mut clients: Vec<Ws> = (0..20).map(|_| open(&service, "/echo")).collect();
    for client in &mut clients {
        client.echo("x");
    }
    for client in clients {
        client.close();
    }
    let exit = service.stop();
    exit.expect_code(0).expect_served(20).expect_answered(20);
    expect_counts(&exit, &[("opened", 20), ("received", 20), ("sent", 20), ("dropped", 0), ("lost", 0)]);
}
