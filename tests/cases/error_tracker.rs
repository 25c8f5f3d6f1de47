//! The error tracker gets everything before the process ends, and a tracker that hangs does not keep it.

use std::io::Write as _;
use std::net::TcpListener;
use std::sync::mpsc::{self, Receiver};
use std::thread;
use std::time::Duration;

use graceful_tests::{Http, PATIENCE, Service, Signal};

use crate::examples::example;
use crate::external_services::{read_request, stub};

/// A tracker that takes a while for each report.
fn tracker() -> (String, Receiver<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("an address").to_string();
    let (told, reports) = mpsc::channel();
    thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let told = told.clone();
            thread::spawn(move || {
                while let Ok(report) = read_request(&mut stream) {
                    thread::sleep(Duration::from_millis(100));
                    let _ = told.send(report);
                    let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}");
                }
            });
        }
    });
    (address, reports)
}

fn tracked(address: &str) -> Service {
    example("error_tracker").env("SENTRY_DSN", format!("http://key@{address}/1"))
}

#[test]
fn error_tracker() {
    let (address, reports) = tracker();
    let service = tracked(&address).start();
    let mut client = Http::connect(service.address()).expect("it listens");
    for _ in 0..5 {
        assert_eq!(client.get("/fail").status, 500);
    }
    service.signal(Signal::SIGTERM);
    let exit = service.wait(PATIENCE);
    exit.expect_code(0).expect_outcome("clean");
    assert_eq!(exit.hook("flush_tracker")["outcome"], "completed", "{exit}");
    let reports: Vec<_> = reports.try_iter().collect();
    let count = |text: &str| reports.iter().filter(|report| report.contains(text)).count();
    let seen = (count("the shelf is empty"), count("the service has stopped"));
    assert_eq!(seen, (5, 1), "{reports:#?} {exit}");
}

#[test]
fn a_tracker_that_hangs() {
    let service = tracked(&stub(|_| None)).start();
    let mut client = Http::connect(service.address()).expect("it listens");
    assert_eq!(client.get("/fail").status, 500);
    let exit = service.stop();
    exit.expect_code(3).expect_within(Duration::from_secs(3)).expect_incomplete("flush_tracker");
}

#[test]
fn without_a_tracker() {
    example("error_tracker").start().stop().expect_code(0).expect_outcome("clean");
}
