//! WebSockets over a Unix socket, with tungstenite as the client.

use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::Duration;

use graceful_tests::{PATIENCE, Signal};
use tungstenite::{Message, WebSocket};

use crate::websocket::{expect_counts, websocket};
use crate::websocket_tungstenite::{echo, expect_told};

fn connect(path: &Path) -> WebSocket<UnixStream> {
    let stream = UnixStream::connect(path).expect("it listens");
    stream.set_read_timeout(Some(PATIENCE)).expect("a timeout can be set");
    tungstenite::client("ws://localhost/echo", stream).expect("upgraded").0
}

#[test]
fn they_are_served_and_told_goodbye_like_any_others() {
    let directory = tempfile::TempDir::new().expect("a temporary directory");
    let path = directory.path().join("websocket.sock");
    let service = websocket().env("ADDR", format!("unix:{}", path.display())).start();
    let mut clients: Vec<_> = (0..20).map(|_| connect(&path)).collect();
    for client in &mut clients {
        echo(client, "hello");
        echo(client, vec![7; 100_000]);
    }
    let mut leaving = clients.remove(0);
    leaving.close(None).expect("it is open");
    while leaving.read().is_ok() {}
    service.signal(Signal::SIGTERM);
    for client in &mut clients {
        expect_told(client);
    }
    let exit = service.wait(PATIENCE);
    exit.expect_code(0).expect_outcome("clean").expect_within(Duration::from_millis(300));
    expect_counts(&exit, &[("opened", 20), ("told", 19), ("answered", 19), ("lost", 0), ("errors", 0)]);
    assert!(!path.exists(), "the socket file is removed");
}

#[test]
fn one_that_does_not_answer_is_cut() {
    let directory = tempfile::TempDir::new().expect("a temporary directory");
    let path = directory.path().join("websocket.sock");
    let service = websocket().env("ADDR", format!("unix:{}", path.display())).env("GF_CLOSE_TIMEOUT", "500").start();
    let mut client = connect(&path);
    echo(&mut client, Message::from("hello"));
    let exit = service.stop();
    exit.expect_not_before(Duration::from_millis(500)).expect_within(Duration::from_millis(500));
    expect_counts(&exit, &[("opened", 1), ("told", 1), ("answered", 0), ("cut", 1)]);
}
