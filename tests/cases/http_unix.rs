//! HTTP over Unix sockets.

use std::process::Command;
use std::time::Duration;

use graceful_tests::{Http, PATIENCE, Signal, get, post};

use crate::http::{http, text};

#[test]
fn it_is_served_and_stopped_like_any_other() {
    let directory = tempfile::TempDir::new().expect("a temporary directory");
    let path = directory.path().join("http.sock");
    let service = http().env("GF_MORE", format!("unix:{}", path.display())).start();
    let mut idle = Http::unix(&path).expect("it listens");
    idle.get("/").expect(200, "hello\n");
    let body = text(100_000);
    idle.ask(post("/echo", &body)).expect("answered").expect(200, &body);
    let output = Command::new("curl")
        .args(["--silent", "--max-time", "60", "--unix-socket"])
        .arg(&path)
        .arg("http://localhost/things/curl")
        .output()
        .expect("curl runs");
    assert_eq!(String::from_utf8_lossy(&output.stdout), "GET curl\n");
    let mut busy = Http::unix(&path).expect("it listens");
    busy.send(get("/told?ms=300")).expect("it reads");
    service.wait_text("working");
    service.signal(Signal::SIGTERM);
    idle.expect_end();
    let answer = busy.answer().expect("what is in flight finishes");
    assert!(answer.expect(200, "done\n").closes(), "{answer:?}");
    busy.expect_end();
    let exit = service.wait(PATIENCE);
    exit.expect_code(0).expect_served(3).expect_answered(4).expect_within(Duration::from_millis(300));
    assert!(!path.exists(), "the socket file is removed");
}
