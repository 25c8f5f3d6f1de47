//! Nobody who has connected is reset because a listener closes: not in the accept backlog, not in the storm around the
//! signal, not with every descriptor in use.

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::SocketAddr;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::sync::mpsc::{self, Sender};
use std::thread;

use graceful_tests::{Client, PATIENCE, Running, Seen, Service, Signal, ask_once};

/// Connections that the kernel has completed while the service could not accept them.
fn in_the_backlog(service: &Running, number: usize) -> Vec<Client> {
    service.signal(Signal::SIGSTOP);
    let mut clients: Vec<Client> =
        (0..number).map(|_| Client::connect(service.address()).expect("the kernel completes it")).collect();
    for (nth, client) in clients.iter_mut().enumerate() {
        client.send(&format!("echo {nth}")).expect("the kernel takes it");
    }
    clients
}

fn expect_all_answered(clients: &mut [Client]) {
    for (nth, client) in clients.iter_mut().enumerate() {
        assert_eq!(client.line().expect("connected before the signal, so answered"), nth.to_string());
        assert!(client.rest().expect("then the end, not a reset").is_empty());
    }
}

#[test]
fn the_backlog_is_answered() {
    for number in [1, 50, 500] {
        let service = Service::fixture("lines").start();
        let mut clients = in_the_backlog(&service, number);
        service.signal(Signal::SIGTERM);
        service.signal(Signal::SIGCONT);
        expect_all_answered(&mut clients);
        let exit = service.wait(PATIENCE);
        exit.expect_code(0).expect_outcome("clean");
        assert_eq!(exit.report()["connections"]["accepted"], number, "{exit}");
        assert_eq!(exit.report()["connections"]["balanced"], true, "{exit}");
    }
}

#[test]
fn the_backlog_of_a_unix_socket_is_answered() {
    let directory = tempfile::TempDir::new().expect("a temporary directory");
    let path = directory.path().join("lines.sock");
    let service = Service::fixture("lines").env("ADDR", format!("unix:{}", path.display())).start();
    service.signal(Signal::SIGSTOP);
    let clients: Vec<UnixStream> = (0..50).map(|_| unix_client(&path)).collect();
    service.signal(Signal::SIGTERM);
    service.signal(Signal::SIGCONT);
    for client in clients {
        let mut lines = BufReader::new(client);
        let mut line = String::new();
        lines.read_line(&mut line).expect("answered");
        assert_eq!(line, "hello\n");
        assert_eq!(lines.read_line(&mut line).expect("then the end"), 0);
    }
    let exit = service.wait(PATIENCE);
    exit.expect_code(0);
    assert_eq!(exit.report()["connections"]["accepted"], 50, "{exit}");
    assert!(!path.exists(), "the socket file is removed");
}

fn unix_client(path: &Path) -> UnixStream {
    let mut client = UnixStream::connect(path).expect("the kernel completes it");
    client.set_read_timeout(Some(PATIENCE)).expect("a timeout can be set");
    client.write_all(b"echo hello\n").expect("the kernel takes it");
    client
}

#[test]
fn a_storm_of_connections_loses_nothing() {
    for _ in 0..5 {
        storm(Service::fixture("lines").start(), "echo hello", "hello");
    }
}

/// An accept loop of one's own on `Stop::accept` does not either.
#[test]
fn a_storm_on_a_foreign_accept_loop_loses_nothing() {
    for _ in 0..5 {
        let service = Service::example("foreign_thread_per_connection").env("ADDR", "127.0.0.1:0").start();
        storm(service, "hello", "HELLO");
    }
}

/// Clients connect, ask once and come again, all the time around the signal.
fn storm(service: Running, request: &'static str, answer: &'static str) {
    let address = service.address();
    let (tell, under_way) = mpsc::channel();
    let clients: Vec<_> = (0..8)
        .map(|_| {
            let tell = tell.clone();
            thread::spawn(move || come_again(address, request, answer, &tell))
        })
        .collect();
    for _ in &clients {
        under_way.recv_timeout(PATIENCE).expect("every client is answered for a while");
    }
    service.signal(Signal::SIGTERM);
    let exit = service.wait(PATIENCE);
    let mut seen = BTreeMap::<Seen, u64>::new();
    for client in clients {
        for (what, count) in client.join().expect("no panic") {
            *seen.entry(what).or_default() += count;
        }
    }
    exit.expect_code(0);
    let lost: Vec<_> = seen.keys().filter(|what| !matches!(what, Seen::Answered | Seen::Refused)).collect();
    assert!(lost.is_empty(), "{seen:?}\n{exit}");
    // The service and its clients agree on how many there were.
    let accepted = exit.report()["connections"]["accepted"].as_u64();
    assert_eq!(accepted, seen.get(&Seen::Answered).copied(), "{seen:?}\n{exit}");
}

/// Asks until it is refused: then the listener is gone for good. Tells after the twentieth answer.
fn come_again(address: SocketAddr, request: &str, answer: &str, tell: &Sender<()>) -> BTreeMap<Seen, u64> {
    let mut seen = BTreeMap::new();
    loop {
        let what = ask_once(address, request, answer);
        let count: &mut u64 = seen.entry(what).or_default();
        *count += 1;
        if what != Seen::Answered {
            return seen;
        }
        if *count == 20 {
            // Nobody waits any more when another client's failure has ended the test.
            let _ = tell.send(());
        }
    }
}

#[test]
fn with_no_descriptor_left_accepting_pauses_and_goes_on() {
    let service = Service::fixture("lines").under(["prlimit", "--nofile=48:48"]).start();
    let mut first: Vec<Client> =
        (0..60).map(|_| Client::connect(service.address()).expect("the kernel does")).collect();
    for (nth, client) in first.iter_mut().enumerate() {
        client.send(&format!("echo {nth}")).expect("the kernel takes it");
    }
    service.wait_text("accept paused");
    // Those that were accepted are served; each that leaves makes room for one that waits.
    for (nth, mut client) in first.into_iter().enumerate() {
        assert_eq!(client.line().expect("answered, sooner or later"), nth.to_string());
    }
    service.wait_text("accept resumed");
    let exit = service.stop();
    exit.expect_code(0);
    assert_eq!(exit.report()["connections"]["accepted"], 60, "{exit}");
}

#[test]
fn with_no_descriptor_left_the_drain_still_loses_nobody() {
    let service = Service::fixture("lines").under(["prlimit", "--nofile=48:48"]).start();
    let mut clients: Vec<Client> =
        (0..100).map(|_| Client::connect(service.address()).expect("the kernel does")).collect();
    for client in &mut clients {
        client.send("sleep 50").expect("the kernel takes it");
    }
    service.wait_text("accept paused");
    service.signal(Signal::SIGTERM);
    // All that is idle is told to close by the drain, and what waits in the kernel takes its place.
    for client in &mut clients {
        assert_eq!(client.line().expect("accepted in the end"), "began");
        assert_eq!(client.line().expect("and answered"), "done");
    }
    let exit = service.wait(PATIENCE);
    exit.expect_code(0).expect_outcome("clean");
    assert_eq!(exit.report()["connections"]["accepted"], 100, "{exit}");
}

/// A listener that the parent opened comes as descriptor 3; while the parent holds it too, it is left as it is.
#[test]
fn an_inherited_listener_is_served_and_left_to_whoever_holds_it() {
    const PARENT: &str = "import os, socket, sys\n\
        listener = socket.socket()\n\
        listener.bind(('127.0.0.1', 0))\n\
        listener.listen(64)\n\
        os.dup2(listener.fileno(), 3)\n\
        os.set_inheritable(3, True)\n\
        pid = os.fork()\n\
        if pid == 0:\n\
        \x20   os.execv(sys.argv[1], sys.argv[1:])\n\
        print('parent holds it', flush=True)\n\
        os.waitpid(pid, 0)\n\
        client = socket.create_connection(listener.getsockname())\n\
        connection, _ = listener.accept()\n\
        print('parent accepts', flush=True)\n";
    let service = Service::fixture("lines").env("ADDR", "fd:3").under(["python3", "-c", PARENT]).forks().start();
    service.wait_text("parent holds it");
    let mut client = Client::connect(service.address()).expect("it listens");
    assert_eq!(client.ask("echo inherited").expect("answered"), "inherited");
    service.signal(Signal::SIGTERM);
    let exit = service.wait(PATIENCE);
    exit.expect_code(0);
    exit.line("parent accepts");
    assert_eq!(exit.report()["connections"]["accepted"], 1, "{exit}");
}
