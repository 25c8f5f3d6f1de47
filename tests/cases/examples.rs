//! The examples do what their first lines say: they start, serve, and end well in the middle of a request.

use std::collections::BTreeSet;
use std::fs;
use std::io::{Read as _, Write as _};
use std::net::{Shutdown, SocketAddr};
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use graceful_tests::{Client, Exit, PATIENCE, Running, Service, Signal};
use nix::sys::stat::Mode;
use nix::unistd::{Pid, mkfifo};
use tempfile::TempDir;

pub(crate) fn example(name: &str) -> Service {
    Service::example(name).env("ADDR", "127.0.0.1:0").env("ADMIN_ADDR", "127.0.0.1:0")
}

pub(crate) fn connect(service: &Running) -> Client {
    Client::connect(service.address()).expect("it listens")
}

/// Sends the beginning of a line.
pub(crate) fn send_part(client: &Client, text: &str) {
    client.stream().write_all(text.as_bytes()).expect("it is connected");
}

/// Waits until nobody listens there any more; without a connection, which would count.
pub(crate) fn wait_until_refused(address: SocketAddr) {
    let place = format!(":{:04X} 00000000:0000 0A", address.port());
    let began = Instant::now();
    while fs::read_to_string("/proc/net/tcp").expect("a list of sockets").contains(&place) {
        assert!(began.elapsed() < PATIENCE, "{address} is still listened on");
        thread::sleep(Duration::from_millis(2));
    }
    let error = Client::connect(address).expect_err("nobody listens");
    assert_eq!(error.kind(), std::io::ErrorKind::ConnectionRefused, "{error}");
}

/// So many connections were accepted, and none of them was cut or failed.
pub(crate) fn expect_served(exit: &Exit, accepted: u64) {
    exit.expect_code(0).expect_outcome("clean");
    let counts = &exit.report()["connections"];
    let served = counts["completed"].as_u64().zip(counts["closed_idle"].as_u64()).map(|(one, two)| one + two);
    assert_eq!((counts["accepted"].as_u64(), served), (Some(accepted), Some(accepted)), "{exit}");
    assert_eq!(counts["balanced"], true, "{exit}");
}

#[test]
fn each_is_short_and_runs_here() {
    let package = Path::new(env!("CARGO_MANIFEST_DIR"));
    let files = |directory: &str| fs::read_dir(package.join(directory)).expect("it is there").flatten();
    let read = |path: &Path| fs::read_to_string(path).expect("a file with text");
    let tests: String = files("cases").map(|entry| read(&entry.path())).collect();
    let mut names = BTreeSet::new();
    for entry in files("../examples/examples") {
        let name = entry.path().file_stem().and_then(|name| Some(name.to_str()?.to_owned())).expect("a name");
        let limit = if ["chat", "chat_client", "service"].contains(&name.as_str()) { 150 } else { 100 };
        // One of several files is a folder.
        let folder = entry.path().is_dir();
        let main = if folder { entry.path().join("main.rs") } else { entry.path() };
        let text = read(&main);
        assert!(text.lines().count() <= limit, "{name} is too long");
        for part in ["//! Run: ", "//! Stop: ", "//! Prints: ", "#![forbid(unsafe_code)]"] {
            assert!(text.contains(part), "{name} lacks {part:?}");
        }
        assert!(text.contains(&format!("--example {name}")), "{name} does not say how to run it");
        assert!(tests.contains(&format!("\"{name}\"")), "{name} is run by no test");
        names.insert(name);
    }
    assert!(names.len() >= 9, "{names:?}");
}

/// A request in one write, and its answer: the status and the body.
fn request(client: &mut Client, method: &str, path: &str, body: &str) -> (u16, String) {
    let length = body.len();
    send_part(client, &format!("{method} {path} HTTP/1.1\r\nHost: shop\r\nContent-Length: {length}\r\n\r\n{body}"));
    answer(client)
}

fn answer(client: &mut Client) -> (u16, String) {
    let status = client.line().expect("answered");
    let status = status.split(' ').nth(1).and_then(|code| code.parse().ok()).expect("a status line");
    let mut length = 0;
    loop {
        let line = client.line().expect("a header");
        let line = line.trim_end();
        if line.is_empty() {
            break;
        }
        if let Some(value) = line.strip_prefix("content-length: ") {
            length = value.parse().expect("a number");
        }
    }
    (status, String::from_utf8(client.bytes(length).expect("a body")).expect("text"))
}

#[test]
fn quickstart() {
    let service = example("quickstart").start();
    let mut idle = connect(&service);
    assert_eq!(request(&mut idle, "GET", "/", ""), (200, "Hello, World!\n".into()));
    assert_eq!(request(&mut idle, "GET", "/hello/you", ""), (200, "hello, you\n".into()));
    let mut half = connect(&service);
    send_part(&half, "GET /hello/all%20of");
    service.signal(Signal::SIGTERM);
    assert!(idle.rest().expect("closed at once").is_empty());
    wait_until_refused(service.address());
    send_part(&half, "%20you HTTP/1.1\r\nHost: greeter\r\n\r\n");
    assert_eq!(answer(&mut half), (200, "hello, all of you\n".into()));
    assert!(half.rest().expect("then closed").is_empty());
    drop(half);
    let exit = service.wait(PATIENCE);
    expect_served(&exit, 2);
    exit.line("greeted 2");

    let exit = example("quickstart").start().stop();
    expect_served(&exit, 0);
    exit.expect_within(Duration::ZERO).line("greeted 0");
}

#[test]
fn bench() {
    let service = example("bench").env("SHUTDOWN_DRAIN", "500ms").start();
    let mut client = connect(&service);
    for (method, path, body, expected) in [
        ("GET", "/", "", "Hello, World!"),
        ("GET", "/work?ms=1", "", "done\n"),
        ("GET", "/download?bytes=7", "", "xxxxxxx"),
        ("POST", "/upload", "12345", "5\n"),
    ] {
        assert_eq!(request(&mut client, method, path, body), (200, expected.into()), "{path}");
    }
    assert_eq!(request(&mut client, "GET", "/work?ms=soon", "").0, 400);
    send_part(&client, "GET /stuck HTTP/1.1\r\nHost: bench\r\n\r\n");
    let mut other = connect(&service);
    assert_eq!(request(&mut other, "GET", "/", "").0, 200);
    service.signal(Signal::SIGTERM);
    let exit = service.wait(PATIENCE);
    exit.expect_code(3).expect_incomplete("1 connections were cut");
    drop((client, other));
}

#[test]
fn tcp_echo() {
    const SIZE: usize = 16 << 20;
    let service = example("tcp_echo").start();
    let mut idle = connect(&service);
    assert_eq!(idle.ask("you").expect("answered"), "you");
    // More than the kernel keeps for both, so it is under way until it is read here.
    let busy = connect(&service);
    let mut sender = busy.stream().try_clone().expect("a descriptor");
    let sent: Vec<u8> = (0..SIZE).map(|nth| (nth % 251) as u8).collect();
    let received = thread::scope(|scope| {
        scope.spawn(|| {
            sender.write_all(&sent).expect("all of it is taken");
            sender.shutdown(Shutdown::Write).expect("it is connected");
        });
        service.signal(Signal::SIGTERM);
        assert!(idle.rest().expect("closed soon").is_empty());
        wait_until_refused(service.address());
        let mut received = Vec::new();
        busy.stream().read_to_end(&mut received).expect("all of it comes back");
        received
    });
    assert!(received == sent, "{} bytes of {SIZE} came back, or others", received.len());
    expect_served(&service.wait(PATIENCE), 2);

    let exit = example("tcp_echo").start().stop();
    expect_served(&exit, 0);
    exit.expect_within(Duration::ZERO);
}

#[test]
fn tasks() {
    let service = example("tasks").start();
    service.wait_text("packed an order with settings version 0");
    service.wait_text("warmed up 3 of 3");
    kill(helper(&service, 1), Signal::SIGKILL);
    let helper = helper(&service, 2);
    service.signal(Signal::SIGHUP);
    service.wait_text("packed an order with settings version 1");
    service.signal(Signal::SIGTERM);
    let exit = service.wait(PATIENCE);
    expect_served(&exit, 0);
    exit.line("helper ended: signal: 15");
    exit.line("0 orders are left");
    assert_eq!(nix::sys::signal::kill(helper, None), Err(nix::errno::Errno::ESRCH), "the helper is gone: {exit}");
    for (name, failures) in [("order", 0), ("pack", 0), ("warm_up", 0), ("helper", 1)] {
        let task = exit.task(name);
        assert_eq!((&task["outcome"], &task["failures"]), (&"stopped".into(), &failures.into()), "{name}: {exit}");
    }
}

/// The process of the `nth` helper that was started.
fn helper(service: &Running, nth: usize) -> Pid {
    const TEXT: &str = "helper started with pid ";
    service.wait_count(TEXT, nth);
    let lines = service.lines();
    let line = lines.iter().filter_map(|line| line.text().strip_prefix(TEXT)).nth(nth - 1);
    Pid::from_raw(line.and_then(|pid| pid.parse().ok()).expect("a pid"))
}

fn kill(pid: Pid, signal: Signal) {
    nix::sys::signal::kill(pid, signal).expect("it runs");
}

/// The host's stdin is a pipe with a name, so that the test says when it ends.
struct Host {
    service: Running,
    stdin: fs::File,
    _directory: TempDir,
}

impl Host {
    fn start() -> Self {
        let directory = TempDir::new().expect("a temporary directory");
        let pipe = directory.path().join("stdin");
        mkfifo(&pipe, Mode::S_IRWXU).expect("a named pipe");
        let shell = format!("exec \"$0\" <'{}'", pipe.display());
        let service = example("embedded_in_my_main").under(["sh", "-c", &shell]).spawn();
        // Returns once the shell has opened the other end.
        let stdin = fs::File::options().write(true).open(&pipe).expect("a named pipe");
        Self { service, stdin, _directory: directory }
    }

    fn quit(&mut self) {
        self.stdin.write_all(b"something else\nquit\n").expect("it reads");
    }
}

#[test]
fn embedded_in_my_main() {
    let mut host = Host::start();
    let mut idle = connect(&host.service);
    assert_eq!(idle.ask("abc").expect("answered"), "cba");
    let mut half = connect(&host.service);
    send_part(&half, "de");
    host.quit();
    assert!(idle.rest().expect("closed at once").is_empty());
    wait_until_refused(host.service.address());
    assert_eq!(half.ask("f").expect("answered in the drain"), "fed");
    let exit = host.service.wait(PATIENCE);
    exit.expect_code(0).line("forgotten");
    let line = exit.line("shut down in ");
    assert!(line.contains("(requested by the host): clean, 2 connections, 1 of 1 hooks, exit 0"), "{exit}");
    // A guest writes no report file and no log of its own.
    assert!(exit.report.is_none() && exit.stderr().is_empty(), "{exit}");
}

#[test]
fn embedded_in_my_main_with_a_deadline() {
    let mut host = Host::start();
    let stuck = connect(&host.service);
    send_part(&stuck, "never ends");
    host.quit();
    let exit = host.service.wait(PATIENCE);
    exit.expect_code(3).line("forgotten");
    exit.line("incomplete: 1 connections were cut at the drain's deadline");
}

#[test]
fn embedded_in_my_main_leaves_signals_alone() {
    let host = Host::start();
    drop(connect(&host.service));
    let exit = host.service.stop();
    assert_eq!((exit.code, exit.signal), (None, Some(Signal::SIGTERM as i32)), "{exit}");
}
