//! `graceful health`: one line and an exit code, whatever is on the other side.

use std::io::{Read as _, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::thread;
use std::time::{Duration, Instant};

use graceful_tests::{Exit, PATIENCE, Running, SLACK, Service, Signal};
use nix::sys::stat::Mode;

use crate::http::connect;

fn health(args: &[&str]) -> Exit {
    Service::tool().arg("health").args(args.iter().copied()).spawn().wait(PATIENCE)
}

#[track_caller]
fn expect(exit: &Exit, code: i32, text: &str) {
    exit.expect_code(code);
    exit.line(text);
    assert_eq!(exit.lines.len(), 1, "one line: {exit}");
}

/// Asks until it is so: checks have a schedule of their own.
#[track_caller]
fn wait_for(url: &str, code: i32, text: &str) {
    let until = Instant::now() + PATIENCE;
    loop {
        let exit = health(&[url]);
        if exit.code == Some(code) {
            return expect(&exit, code, text);
        }
        assert!(Instant::now() < until, "{exit}");
    }
}

fn admin(service: &Running) -> String {
    service.address_after("admin on http://").to_string()
}

/// A server of one answer, which it gives as it likes.
fn server(answer: impl Fn(TcpStream) + Send + 'static) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("bound");
    thread::spawn(move || {
        for stream in listener.incoming() {
            answer(stream.expect("a connection"));
        }
    });
    address
}

fn read_head(stream: &mut TcpStream) {
    let mut bytes = [0; 4096];
    let _ = stream.read(&mut bytes);
}

#[test]
fn through_the_life_of_a_service() {
    let folder = tempfile::tempdir().expect("a temporary directory");
    let pipe = folder.path().join("hold");
    nix::unistd::mkfifo(&pipe, Mode::S_IRWXU).expect("a pipe");
    let service = Service::fixture("probes").env("GF_HOLD", &pipe).env("GF_CLOSE", "sleep=3000").spawn();
    let admin = admin(&service);
    expect(&health(&[&admin]), 1, "answered 503: the service is starting");
    expect(&health(&[&format!("http://{admin}/health/live")]), 0, "ready: ");
    // Opened and closed: it has read to the end.
    std::fs::write(&pipe, "").expect("it reads");
    wait_for(&admin, 0, "answered 200");
    connect(&service).get("/break").expect_status(200);
    wait_for(&admin, 1, "answered 503: critical checks are failing: database");
    connect(&service).get("/mend").expect_status(200);
    wait_for(&admin, 0, "answered 200");
    expect(&health(&[&admin, "--wait-shutdown", "300ms"]), 1, "is still there after");
    service.signal(Signal::SIGTERM);
    service.wait_text("hook close began");
    expect(&health(&[&admin]), 1, "answered 503: the service is shutting down");
    expect(&health(&[&admin, "--wait-shutdown", "60"]), 0, "gone: nobody listens at");
    service.wait(PATIENCE).expect_code(0);
    expect(&health(&[&admin]), 1, "nobody listens at");
    expect(&health(&[&admin, "--wait-shutdown", "0"]), 0, "gone");
}

#[test]
fn on_a_unix_socket() {
    let folder = tempfile::tempdir().expect("a temporary directory");
    let socket = format!("unix:{}", folder.path().join("admin.sock").display());
    let service = Service::fixture("probes").env("GF_ADMIN", &socket).start();
    wait_for(&format!("{socket}:/health/ready"), 0, "answered 200");
    service.stop().expect_code(0);
    expect(&health(&[&socket]), 1, "nobody listens at");
}

#[test]
fn each_step_is_shown_when_asked_for() {
    let service = Service::fixture("probes").start();
    let url = format!("http://localhost:{}", service.address_after("admin on http://").port());
    wait_for(&url, 0, "answered 200");
    let exit = health(&[&url, "--verbose"]);
    exit.expect_code(0);
    for step in ["connecting to 127.0.0.1:", "connected", "GET /health/ready", "200 ready"] {
        assert!(exit.stderr().iter().any(|line| line.ends_with(step) || line.contains(step)), "no {step}: {exit}");
    }
    service.stop().expect_code(0);
}

#[test]
fn wrong_usage_has_a_code_of_its_own() {
    for (args, text) in [
        (&["https://shop/"][..], "https is not supported; ask the service itself at its plain address"),
        (&["http://shop:0/"], "write the port that it printed"),
        (&["shop:1", "--timeout", "soon"], "\"soon\" is no time; write a number of seconds"),
        (&["shop:1", "--timeout", "0"], "write 1 or more"),
        (&["shop:1", "--fast"], "--fast"),
    ] {
        let exit = health(args);
        exit.expect_code(2);
        exit.line(text);
    }
    let exit = Service::tool().arg("health").env("ADMIN_ADDR", "127.0.0.1:port").spawn().wait(PATIENCE);
    exit.expect_code(2);
    exit.line("ADMIN_ADDR: 127.0.0.1:port: \"port\" is no port");
    Service::tool().args(["health", "--help"]).spawn().wait(PATIENCE).expect_code(0).line("Exit codes:");
}

#[test]
fn the_timeout_is_over_everything() {
    // One accepts and says nothing, the other says a little again and again.
    let silent = server(std::mem::forget);
    let dripping = server(|mut stream| {
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\n");
        while stream.write_all(b"x: y\r\n").is_ok() {
            thread::sleep(Duration::from_millis(50));
        }
    });
    let timeout = Duration::from_millis(700);
    for address in [silent, dripping] {
        let exit = health(&[&address.to_string(), "--timeout=700ms"]);
        exit.expect_code(1);
        assert!(exit.ran >= timeout && exit.ran < timeout + 2 * SLACK, "{exit}");
        exit.line("no answer within 700ms");
    }
    let exit = health(&[&silent.to_string(), "--timeout=100ms", "--wait-shutdown=700ms"]);
    expect(&exit, 1, "is still there after");
    assert!(exit.ran >= timeout, "{exit}");
}

#[test]
fn whatever_answers_is_told_from_a_service() {
    let answering = |bytes: &'static [u8]| {
        server(move |mut stream| {
            read_head(&mut stream);
            let _ = stream.write_all(bytes);
        })
    };
    for (address, text) in [
        (answering(b"SSH-2.0-OpenSSH_9.2p1\r\n"), "this is not HTTP"),
        (answering(b"\x15\x03\x01\x00\x02\x02\x50"), "this is not HTTP"),
        (answering(b""), "closed without an answer"),
        (answering(b"HTTP/1.1 200 OK\r\ncontent-le"), "in the middle of the answer"),
        (
            answering(b"HTTP/1.1 302 Found\r\nlocation: http://x/\r\ncontent-length: 0\r\n\r\n"),
            "redirects are not followed",
        ),
        (answering(b"HTTP/1.1 404 No\r\ncontent-length: 0\r\n\r\n"), "there is no /health/ready there"),
    ] {
        expect(&health(&[&address.to_string()]), 1, text);
    }
    let endless = server(|mut stream| {
        read_head(&mut stream);
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\n");
        while stream.write_all(b"x: yyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyy\r\n").is_ok() {}
    });
    let exit = health(&[&endless.to_string()]);
    exit.expect_code(1);
    assert!(exit.has("longer than") || exit.has("not HTTP"), "{exit}");
}

#[test]
fn a_name_without_an_address() {
    let exit = health(&["http://no-such-service.invalid:9090/", "--timeout", "5"]);
    exit.expect_code(1);
    assert!(
        exit.has("the name no-such-service.invalid cannot be resolved") || exit.has("while its name was looked up"),
        "{exit}"
    );
    assert!(exit.ran < Duration::from_secs(5) + 2 * SLACK, "{exit}");
}
