//! SQLite at the end: what runs is interrupted at the deadline, a crash loses nothing, and neither does a full disk.

use std::path::Path;
use std::time::Duration;

use graceful::sqlite::rusqlite::Connection;
use graceful_tests::{Http, PATIENCE, Running, Service, Signal, get, post};
use tempfile::TempDir;

use crate::pool_load::{in_sqlite, orders};

fn database() -> (TempDir, Service) {
    let directory = TempDir::new().expect("a directory");
    let service = service(&directory.path().join("orders.db"));
    (directory, service)
}

fn service(file: &Path) -> Service {
    Service::fixture("sqlite").env("GF_FILE", file)
}

fn begin(service: &Running, path: &str) -> Http {
    let mut client = Http::connect(service.address()).expect("it listens");
    client.send(get(path)).expect("it reads");
    service.wait_text("transaction began");
    client
}

#[test]
fn one_that_finishes_in_time_is_committed() {
    let (directory, service) = database();
    let service = service.start();
    let _client = begin(&service, "/transaction?item=tea&ms=1500");
    let exit = service.stop();
    exit.expect_code(3).expect_within(Duration::from_secs(2));
    exit.line("committed");
    exit.line("closed: 3 idle, 1 returned, 0 cancelled");
    assert_eq!(in_sqlite(&directory.path().join("orders.db")), ["tea".to_owned()].into());
}

#[test]
fn a_long_query_is_interrupted_and_its_transaction_rolled_back() {
    let (directory, service) = database();
    let service = service.start();
    let _client = begin(&service, "/query?item=tea");
    let exit = service.stop();
    exit.expect_code(3).expect_not_before(Duration::from_millis(2400)).expect_within(Duration::from_secs(3));
    exit.line("failed: interrupted");
    exit.line("closed: 3 idle, 0 returned, 1 cancelled");
    assert_eq!(in_sqlite(&directory.path().join("orders.db")), [].into());
}

/// Another process writes and does not end. SQLite's own patience would be longer than what the pool is given.
#[test]
fn a_wait_for_a_lock_is_ended_and_nobody_is_abandoned() {
    let (directory, service) = database();
    let service = service.env("SHUTDOWN_DRAIN", "500ms").start();
    let other = Connection::open(directory.path().join("orders.db")).expect("it can be opened");
    other.execute_batch("BEGIN IMMEDIATE").expect("nobody writes");
    let mut client = Http::connect(service.address()).expect("it listens");
    client.send(get("/transaction?item=tea&ms=0")).expect("it reads");
    service.wait_text("transaction asked for");
    let exit = service.stop();
    exit.expect_code(3).expect_not_before(Duration::from_millis(1900)).expect_within(Duration::from_millis(2500));
    exit.line("failed: database is locked");
    exit.line("closed: 3 idle, 0 returned, 1 cancelled");
    assert_eq!(exit.hook("close_db")["outcome"], "completed", "{exit}");
    other.execute_batch("COMMIT").expect("it is there still");
    assert_eq!(in_sqlite(&directory.path().join("orders.db")), [].into());
}

#[test]
fn killed_in_the_middle_of_a_drain() {
    for nth in 0..5 {
        let (directory, first) = database();
        let first = first.env("GF_BEFORE", "sleep=1000").start();
        let acknowledged = orders(&first, || {
            first.signal(Signal::SIGTERM);
            std::thread::sleep(Duration::from_millis(nth * 7));
            first.signal(Signal::SIGKILL);
        });
        assert_eq!(first.wait(PATIENCE).signal, Some(9));
        // The next one begins with what is there.
        let exit = service(&directory.path().join("orders.db")).start().stop();
        exit.expect_code(0);
        let stored = in_sqlite(&directory.path().join("orders.db"));
        assert!(acknowledged.is_subset(&stored), "lost: {:?}", acknowledged.difference(&stored));
    }
}

#[test]
fn a_full_disk_is_told_and_loses_nothing_acknowledged() {
    let directory = TempDir::new().expect("a directory");
    let (disk, copy) = (directory.path().join("disk"), directory.path().join("copy"));
    for directory in [&disk, &copy] {
        std::fs::create_dir(directory).expect("a directory can be made");
    }
    // A disk of its own, of which a copy is left when the service has ended.
    let script = "mount -t tmpfs -o size=400k tmpfs \"$DISK\" && \"$0\" \"$@\" & child=$!; \
                  trap 'kill -TERM $child' TERM; wait $child; wait $child; code=$?; cp \"$DISK\"/* \"$COPY\"; exit $code";
    let mut unshare = vec!["unshare"];
    if !nix::unistd::geteuid().is_root() {
        unshare.extend(["--user", "--map-root-user"]);
    }
    unshare.extend(["--mount", "sh", "-c", script]);
    let service = service(&disk.join("orders.db")).env("DISK", &disk).env("COPY", &copy).under(unshare).start();
    let mut client = Http::connect(service.address()).expect("it listens");
    let padding = "x".repeat(4000);
    let mut acknowledged = std::collections::BTreeSet::new();
    let refused = (0..1000).find_map(|nth| {
        let item = format!("{nth} {padding}");
        let answer = client.ask(post("/orders", &item)).expect("an answer");
        match answer.status {
            201 => {
                acknowledged.insert(item);
                None
            }
            _ => Some(answer),
        }
    });
    let refused = refused.expect("the disk is small");
    refused.expect(500, "database or disk is full");
    let exit = service.stop();
    assert_eq!(exit.report()["reason"]["signal"], "SIGTERM", "{exit}");
    exit.line("first closed");
    assert!(acknowledged.len() > 10, "{exit}");
    let stored = in_sqlite(&copy.join("orders.db"));
    assert!(acknowledged.is_subset(&stored), "{} of {}: {exit}", stored.len(), acknowledged.len());
}

#[test]
fn a_file_that_cannot_be_made_is_told_at_the_start() {
    let exit = service(Path::new("/nowhere/orders.db")).spawn().wait(PATIENCE);
    exit.expect_code(1).expect_outcome("failed");
    exit.line("the SQLite database /nowhere/orders.db cannot be opened: unable to open database file");
    exit.line("first closed");
}
