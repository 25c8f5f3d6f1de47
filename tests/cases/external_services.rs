//! External services are closed at the same time, and one that fails or hangs is named.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpListener;
use std::sync::{Arc, Barrier};
use std::thread;
use std::time::Duration;

use graceful_tests::{Http, PATIENCE, Signal, post};

use crate::examples::example;

/// A server that answers every request with what `answer` makes of its first line; nothing, and it hangs.
pub(crate) fn stub(answer: impl Fn(&str) -> Option<&'static str> + Send + 'static) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("an address").to_string();
    thread::spawn(move || {
        let mut hanging = Vec::new();
        for stream in listener.incoming().flatten() {
            let mut lines = BufReader::new(stream);
            let mut first = String::new();
            if lines.read_line(&mut first).is_err() {
                continue;
            }
            match answer(first.trim_end()) {
                // Who goes away before the answer does not want it.
                Some(status) => {
                    drop(write!(lines.get_mut(), "HTTP/1.1 {status}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"))
                }
                None => hanging.push(lines),
            }
        }
    });
    address
}

#[test]
fn external_services() {
    let service = example("external_services").start();
    let mut client = Http::connect(service.address()).expect("it listens");
    client.ask(post("/buy", "tea")).expect("answered").expect(200, "bought\n");
    service.signal(Signal::SIGTERM);
    let exit = service.wait(PATIENCE);
    exit.expect_code(0).expect_outcome("clean");
    for line in ["payment: settled", "ai: withdrawn", "storage: completed"] {
        exit.line(line);
    }
}

/// None of them answers before all have been asked.
#[test]
fn all_at_the_same_time() {
    let all = Arc::new(Barrier::new(3));
    let stub = || {
        let all = Arc::clone(&all);
        stub(move |_| {
            all.wait();
            Some("200 OK")
        })
    };
    let service = example("external_services").env("PAYMENT", stub()).env("AI", stub()).env("STORAGE", stub());
    let exit = service.start().stop();
    exit.expect_code(0).expect_outcome("clean").expect_within(Duration::ZERO);
}

#[test]
fn one_fails_and_one_hangs() {
    let failing = stub(|line| Some(if line.contains("/settle") { "500 Internal Server Error" } else { "200 OK" }));
    let service = example("external_services").env("PAYMENT", failing).env("AI", stub(|_| None));
    let exit = service.env("SHUTDOWN_CLOSE_SERVICES_TIMEOUT", "1s").start().stop();
    exit.expect_code(3).expect_within(Duration::from_secs(1));
    exit.expect_incomplete("payment: POST /settle was answered with \"HTTP/1.1 500");
    exit.expect_incomplete("ai");
    exit.line("storage: completed");
}

/// What a stub was sent: everything of one request.
pub(crate) fn read_request(stream: &mut impl std::io::Read) -> std::io::Result<String> {
    let mut lines = BufReader::new(stream);
    let (mut head, mut length) = (String::new(), 0);
    loop {
        let mut line = String::new();
        if lines.read_line(&mut line)? == 0 {
            return Err(std::io::ErrorKind::UnexpectedEof.into());
        }
        if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
            length = value.trim().parse().unwrap_or_default();
        }
        head.push_str(&line);
        if line == "\r\n" {
            break;
        }
    }
    let mut body = vec![0; length];
    lines.read_exact(&mut body)?;
    Ok(head + &String::from_utf8_lossy(&body))
}
