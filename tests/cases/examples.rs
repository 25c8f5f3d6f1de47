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
    Service::example(name).env("ADDR", "127.0.0.1:0")
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
        let text = read(&entry.path());
        let name = entry.path().file_stem().and_then(|name| Some(name.to_str()?.to_owned())).expect("a name");
        let limit = if name == "service" { 150 } else { 100 };
        assert!(text.lines().count() < limit, "{name} is too long");
        for part in ["//! Run: ", "//! Stop: ", "//! Prints: ", "#![forbid(unsafe_code)]"] {
            assert!(text.contains(part), "{name} lacks {part:?}");
        }
        assert!(text.contains(&format!("--example {name}")), "{name} does not say how to run it");
        assert!(tests.contains(&format!("\"{name}\"")), "{name} is run by no test");
        names.insert(name);
    }
    assert!(names.len() >= 9, "{names:?}");
}

#[test]
fn quickstart() {
    let service = example("quickstart").start();
    let mut idle = connect(&service);
    assert_eq!(idle.ask("you").expect("answered"), "hello, you");
    let mut half = connect(&service);
    send_part(&half, "and");
    service.signal(Signal::SIGTERM);
    assert!(idle.rest().expect("closed at once").is_empty());
    wait_until_refused(service.address());
    assert_eq!(half.ask(" you").expect("answered in the drain"), "hello, and you");
    assert!(half.rest().expect("then closed").is_empty());
    let exit = service.wait(PATIENCE);
    expect_served(&exit, 2);
    exit.line("greeted 2");

    let exit = example("quickstart").start().stop();
    expect_served(&exit, 0);
    exit.expect_within(Duration::ZERO).line("greeted 0");
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

fn shop(data: &Path) -> Running {
    example("service").env("DATA_DIR", data).start()
}

#[test]
fn service() {
    let data = TempDir::new().expect("a temporary directory");
    let service = shop(data.path());
    let mut idle = connect(&service);
    assert_eq!(idle.ask("ADD tea 2").expect("answered"), "OK 1");
    assert_eq!(idle.ask("GET 1").expect("answered"), "1 tea 2");
    for wrong in ["", "ADD tea", "ADD tea two", "GET 2", "DROP"] {
        assert!(idle.ask(wrong).expect("answered").starts_with("ERROR "), "{wrong:?}");
    }
    let mut half = connect(&service);
    send_part(&half, "ADD cof");
    service.signal(Signal::SIGTERM);
    assert!(idle.rest().expect("closed at once").is_empty());
    wait_until_refused(service.address());
    assert_eq!(half.ask("fee 1").expect("stored in the drain"), "OK 2");
    let exit = service.wait(PATIENCE);
    expect_served(&exit, 2);
    assert_eq!(exit.hooks(), "flush_statistics=completed close_store=completed", "{exit}");
    assert_eq!(exit.task("save_statistics")["outcome"], "stopped", "{exit}");
    let statistics = fs::read_to_string(data.path().join("statistics")).expect("they are saved");
    assert_eq!(statistics, "2 orders\n");

    let service = shop(data.path());
    let mut client = connect(&service);
    assert_eq!(client.ask("LIST").expect("answered"), "2 orders");
    assert_eq!(client.line().expect("the first"), "1 tea 2");
    assert_eq!(client.line().expect("the second"), "2 coffee 1");
    let exit = service.stop();
    expect_served(&exit, 1);
    exit.expect_within(Duration::ZERO);
}

#[test]
fn service_that_was_killed() {
    let data = TempDir::new().expect("a temporary directory");
    let service = shop(data.path());
    let address = service.address();
    let add = move || Client::connect(address)?.ask("ADD tea 1");
    let clients: Vec<_> = (0..8).map(|_| thread::spawn(move || (0..10).map(|_| add()).collect::<Vec<_>>())).collect();
    let answers = clients.into_iter().flat_map(|client| client.join().expect("no panic"));
    let ids: BTreeSet<String> = answers.map(|answer| answer.expect("answered")).collect();
    assert_eq!(ids.len(), 80, "each order has a number of its own");
    service.signal(Signal::SIGKILL);
    let _ = service.wait(PATIENCE);
    // As if it had been killed in the middle of a write.
    let mut file = fs::File::options().append(true).open(data.path().join("orders")).expect("its file");
    file.write_all(b"half an ord").expect("room");

    let service = shop(data.path());
    let mut client = connect(&service);
    assert_eq!(client.ask("GET 80").expect("answered"), "80 tea 1");
    assert_eq!(client.ask("ADD cake 1").expect("answered"), "OK 81");
    assert_eq!(client.ask("GET 81").expect("answered"), "81 cake 1");
    expect_served(&service.stop(), 1);
}
