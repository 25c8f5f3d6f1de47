//! The example `chat_client` by itself: how it waits, when it gives up, and how it ends.

use std::net::{SocketAddr, TcpListener};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use graceful_tests::{Line, PATIENCE, Service, Signal};
use tungstenite::protocol::CloseFrame;
use tungstenite::protocol::frame::coding::CloseCode;
use tungstenite::{Error, Message};

use crate::chat::{Person, address};

/// A server that closes one connection after the other with these codes; 1006 is an end without a close. It hands back the
/// codes that it was answered with.
fn server(codes: &'static [u16]) -> (SocketAddr, JoinHandle<Vec<u16>>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("an address");
    let serve = move || codes.iter().map(|code| serve(&listener, *code)).collect();
    (address, thread::spawn(serve))
}

fn serve(listener: &TcpListener, code: u16) -> u16 {
    let (stream, _) = listener.accept().expect("a client");
    stream.set_read_timeout(Some(PATIENCE)).expect("a timeout");
    let mut socket = tungstenite::accept(stream).expect("an upgrade");
    if code == 1006 {
        return code;
    }
    socket.close(Some(CloseFrame { code: CloseCode::from(code), reason: "because".into() })).expect("closed");
    let mut answer = 1006;
    loop {
        match socket.read() {
            Ok(Message::Close(frame)) => answer = frame.map_or(1005, |frame| frame.code.into()),
            Ok(_) => {}
            Err(Error::ConnectionClosed) => return answer,
            Err(error) => panic!("no answer to the close: {error}"),
        }
    }
}

/// How long it said that it would wait.
fn waits(lines: &[Line]) -> Vec<u64> {
    let waits = lines.iter().filter_map(|line| line.text().strip_prefix("retrying in ")?.strip_suffix("ms"));
    waits.map(|wait| wait.parse().expect("a number")).collect()
}

#[test]
fn waits_longer_and_at_random_while_nobody_is_there() {
    let nowhere = address();
    let clients: Vec<_> = (0..4).map(|_| Person::start(nowhere, "tea", "ann")).collect();
    let mut all = Vec::new();
    for person in clients {
        person.client.wait_count("retrying in ", 4);
        let waits = waits(&person.client.lines());
        for (wait, most) in waits.iter().zip([500, 1000, 2000, 4000]) {
            assert!(*wait <= most, "{waits:?}");
        }
        all.extend(waits);
        // It is in the middle of a wait, and ends at once.
        person.client.signal(Signal::SIGTERM);
        let exit = person.client.wait(PATIENCE);
        exit.expect_code(0).expect_outcome("clean").expect_within(Duration::ZERO);
        assert!(!exit.has("connected") && exit.has("lost: Connection refused"), "{exit}");
    }
    // Sixteen that are chosen at random: no two processes wait for the same times, and some wait longer than any first one.
    assert!(all.iter().any(|wait| *wait > 500), "{all:?}");
    let mut different = all.clone();
    different.sort_unstable();
    different.dedup();
    assert!(different.len() >= 12, "{all:?}");
}

#[test]
fn comes_back_as_long_as_it_is_worth_it() {
    for codes in [&[1001, 1006, 1000], &[1012, 1013, 1008], &[1011, 1001, 1002]] {
        let (address, server) = server(codes);
        let exit = Person::start(address, "tea", "ann").client.wait(PATIENCE);
        exit.expect_code(0).expect_outcome("clean");
        let said: Vec<_> = exit.stdout().into_iter().filter(|line| !line.starts_with("retrying in ")).collect();
        let expected = codes.iter().flat_map(|code| match code {
            1006 => ["connected".to_owned(), "lost: ".to_owned()],
            code => ["connected".to_owned(), format!("closed {code} because")],
        });
        assert!(said.len() == 6 && said.iter().zip(expected).all(|(line, begin)| line.starts_with(&begin)), "{exit}");
        assert_eq!(waits(&exit.lines).len(), 2, "{exit}");
        assert_eq!(server.join().expect("no panic"), codes);
    }
}

#[test]
fn a_name_that_is_no_part_of_a_url_is_refused_at_once() {
    let exit = Service::example("chat_client").args(["tea", "ann smith"]).spawn().wait(PATIENCE);
    exit.expect_code(1);
    assert!(!exit.has("retrying"), "{exit}");
}
