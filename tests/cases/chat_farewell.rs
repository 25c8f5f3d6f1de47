//! The signal to the example `chat`: everybody is told, then everybody is sent away with 1001.

use std::io::ErrorKind;
use std::net::TcpStream;
use std::thread;
use std::time::{Duration, Instant};

use graceful_tests::{PATIENCE, Running, Signal};
use serde_json::Value;
use tungstenite::protocol::frame::coding::CloseCode;
use tungstenite::{Error, Message, WebSocket};

use crate::chat::chat;

/// Between the farewell and the close.
const NOTICE: Duration = Duration::from_millis(500);

fn enter(server: &Running, name: &str) -> WebSocket<TcpStream> {
    let stream = TcpStream::connect(server.address()).expect("it listens");
    stream.set_read_timeout(Some(PATIENCE)).expect("a timeout");
    let url = format!("ws://{}/chat/tea?name={name}", server.address());
    let (mut socket, answer) = tungstenite::client(url, stream).expect("upgraded");
    assert_eq!(answer.status(), 101);
    // Who hears himself is in the room.
    socket.send(format!("{name} is here").into()).expect("sent");
    while !next_text(&mut socket).contains(&format!("{name} is here")) {}
    socket
}

fn next_text(socket: &mut WebSocket<TcpStream>) -> String {
    loop {
        match socket.read().expect("a message") {
            Message::Text(text) => return text.as_str().to_owned(),
            Message::Close(frame) => panic!("closed: {frame:?}"),
            _ => {}
        }
    }
}

#[test]
fn told_then_closed_within_the_notice() {
    let server = chat().start();
    let mut people: Vec<_> = ["ann", "bob", "eve"].iter().map(|name| enter(&server, name)).collect();
    let signalled = Instant::now();
    server.signal(Signal::SIGTERM);
    for socket in &mut people {
        let mut texts = Vec::new();
        let closed = loop {
            match socket.read().expect("a message") {
                Message::Text(text) => texts.push(serde_json::from_str::<Value>(&text).expect("JSON")),
                Message::Close(frame) => break frame.expect("a code and a reason"),
                _ => {}
            }
        };
        let after = signalled.elapsed();
        let farewell = texts.last().expect("the last thing that is said");
        assert_eq!(farewell["type"], "ServerShutdown", "{texts:?}");
        assert!(farewell["text"].is_string(), "{farewell}");
        assert_eq!((closed.code, closed.reason.as_str()), (CloseCode::Away, "service restart"));
        assert!(after >= NOTICE && after <= NOTICE + graceful_tests::SLACK, "closed after {after:?}");
        // The answer to the close is what the server waits for; then it ends the connection in order.
        assert!(matches!(socket.read(), Err(Error::ConnectionClosed)));
    }
    let exit = server.wait(PATIENCE);
    exit.expect_code(0).expect_outcome("clean").expect_not_before(NOTICE).expect_within(NOTICE).expect_served(3);
    let counts = &exit.report()["counters"]["websockets"];
    for (name, expected) in [("opened", 3), ("told", 3), ("answered", 3), ("cut", 0), ("lost", 0)] {
        assert_eq!(counts[name], expected, "{name}: {exit}");
    }
}

#[test]
fn many_are_closed_one_after_the_other() {
    const WINDOW: Duration = Duration::from_secs(1);
    let server = chat().env("SPREAD_MS", WINDOW.as_millis().to_string()).start();
    let people: Vec<_> = (0..8).map(|nth| enter(&server, &format!("guest-{nth}"))).collect();
    server.signal(Signal::SIGTERM);
    let signalled = Instant::now();
    let mut closed: Vec<Duration> = thread::scope(|scope| {
        let all: Vec<_> =
            people.into_iter().map(|socket| scope.spawn(move || closed_after(socket, signalled))).collect();
        all.into_iter().map(|one| one.join().expect("no panic")).collect()
    });
    closed.sort_unstable();
    let between = closed[7] - closed[0];
    assert!(between >= WINDOW / 3 && closed[7] <= NOTICE + WINDOW + graceful_tests::SLACK, "{closed:?}");
    server.wait(PATIENCE).expect_code(0).expect_outcome("clean").expect_served(8);
}

fn closed_after(mut socket: WebSocket<TcpStream>, signalled: Instant) -> Duration {
    while !matches!(socket.read().expect("a message"), Message::Close(_)) {}
    let after = signalled.elapsed();
    while socket.read().is_ok() {}
    after
}

#[test]
fn within_the_notice_people_still_talk() {
    let server = chat().start();
    let (mut ann, mut bob) = (enter(&server, "ann"), enter(&server, "bob"));
    server.signal(Signal::SIGTERM);
    while !next_text(&mut bob).contains("ServerShutdown") {}
    bob.send("good-bye".into()).expect("sent");
    while !next_text(&mut ann).contains("good-bye") {}
    for socket in [&mut ann, &mut bob] {
        while socket.read().is_ok() {}
    }
    let exit = server.wait(PATIENCE);
    exit.expect_code(0).line("3 messages");
}

#[test]
fn nobody_there() {
    let exit = chat().start().stop();
    exit.expect_code(0).expect_within(Duration::ZERO).line("0 messages");
}

#[test]
fn who_does_not_answer_is_cut_and_told_on() {
    let server = chat().env("SHUTDOWN_DRAIN", "1500ms").start();
    let mut ann = enter(&server, "ann");
    let silent = enter(&server, "bob");
    server.signal(Signal::SIGTERM);
    while ann.read().is_ok() {}
    let exit = server.wait(PATIENCE);
    exit.expect_code(3).expect_incomplete("1 connections were cut");
    let counts = &exit.report()["counters"]["websockets"];
    assert_eq!((&counts["told"], &counts["answered"], &counts["cut"]), (&2.into(), &1.into(), &1.into()), "{exit}");
    let left = silent.get_ref().peek(&mut [0]);
    assert!(left.is_ok() || left.is_err_and(|error| error.kind() == ErrorKind::ConnectionReset));
}
