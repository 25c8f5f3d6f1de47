//! As process 1 of a container: the kernel gives it no default action, so every signal has to be handled.

use std::process::Command;
use std::time::Duration;

use graceful_tests::{MARGIN, PATIENCE, Service, Signal};

/// `None`, with a word about it, where the system lets nobody make namespaces.
fn as_pid_1(fixture: &str) -> Option<Service> {
    let unshare = |args: &[&str]| {
        let status = Command::new("unshare").args(args).args(["--pid", "--fork", "--mount-proc", "true"]).output();
        status.is_ok_and(|output| output.status.success())
    };
    let root = nix::unistd::geteuid().is_root();
    if unshare(if root { &[] } else { &["--user", "--map-root-user"] }) {
        return Some(Service::fixture(fixture).as_pid_1());
    }
    eprintln!("skipped: pid namespaces cannot be had here");
    None
}

#[test]
fn each_signal_shuts_down() {
    for signal in [Signal::SIGTERM, Signal::SIGINT, Signal::SIGQUIT, Signal::SIGHUP, Signal::SIGUSR2] {
        let Some(service) = as_pid_1("plain") else { return };
        let service = service.start();
        service.signal(signal);
        let exit = service.wait(PATIENCE);
        exit.expect_code(0).expect_outcome("clean");
        assert_eq!(exit.report()["pid"], 1, "{exit}");
        assert_eq!(exit.report()["reason"]["signal"], signal.as_str(), "{exit}");
        assert_eq!(exit.report()["reason"]["sender"]["pid"], 0, "the sender is outside of the namespace: {exit}");
    }
}

#[test]
fn a_third_signal_ends_it() {
    let Some(service) = as_pid_1("plain") else { return };
    let gap = Duration::from_millis(200);
    let service = service
        .envs([
            ("SHUTDOWN_DEBOUNCE", "50ms"),
            ("SHUTDOWN_TIMEOUT", "60"),
            ("SHUTDOWN_FIRST_TIMEOUT", "20"),
            ("GF_FIRST", "mutex"),
        ])
        .start();
    service.signal(Signal::SIGTERM);
    service.wait_text("hook first began");
    for _ in 0..2 {
        service.signal_after(gap, Signal::SIGTERM);
    }
    let exit = service.wait(PATIENCE);
    exit.expect_code(143).expect_outcome("forced").expect_within(2 * gap + Duration::from_millis(100));
}

#[test]
fn the_hard_deadline_ends_it() {
    let Some(service) = as_pid_1("plain") else { return };
    let exit = service.envs([("GF_BEFORE", "atexit"), ("SHUTDOWN_FLUSH", "500ms")]).start().stop();
    exit.expect_code(124).expect_within(Duration::from_millis(500) + MARGIN);
    exit.line("so the watchdog did: exit 124");
}
