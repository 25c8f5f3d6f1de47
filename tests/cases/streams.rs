//! Standard streams that are closed, broken or full, and a report that cannot be written.

use std::time::Duration;

use graceful_tests::{Exit, PATIENCE, Service, Signal, Stream};

const ALL_HOOKS: &str = "leave=completed first=completed second=completed third=completed last=completed";

fn terminated(service: Service) -> Exit {
    // What it says cannot be waited for: its handlers are there before main begins.
    let service = service.spawn();
    service.wait_handles(Signal::SIGTERM);
    service.stop()
}

#[test]
fn streams_that_are_closed_or_broken() {
    for service in [
        Service::fixture("plain").under(["sh", "-c", "exec \"$0\" \"$@\" >&- 2>&-"]),
        Service::fixture("plain").under(["sh", "-c", "exec \"$0\" \"$@\" <&- >&- 2>&-"]),
        Service::fixture("plain").stderr(Stream::Broken),
        Service::fixture("plain").stdout(Stream::Broken).stderr(Stream::Broken),
        Service::fixture("plain").stderr(Stream::Broken).env("GF_LOGGER", "lines"),
    ] {
        let exit = terminated(service);
        exit.expect_code(0).expect_outcome("clean").expect_within(Duration::ZERO);
        assert_eq!(exit.hooks(), ALL_HOOKS, "{exit}");
    }
}

#[test]
fn a_disk_that_is_full_for_the_logs() {
    let exit = terminated(Service::fixture("plain").stderr(Stream::File("/dev/full".into())));
    exit.expect_code(0).expect_outcome("clean");
}

#[test]
fn a_stderr_that_nobody_reads() {
    let service = Service::fixture("plain").stderr(Stream::Full).start();
    let exit = service.stop();
    // The logs are waited for as long as the flush may take, then the last line half as long again.
    exit.expect_code(3).expect_outcome("incomplete").expect_within(Duration::from_secs(2));
    assert_eq!(exit.hooks(), ALL_HOOKS, "{exit}");
    exit.expect_incomplete("the flush of the logs did not end in time");
}

#[test]
fn a_stderr_that_nobody_reads_and_a_third_signal() {
    let gap = Duration::from_millis(200);
    let service =
        Service::fixture("plain").stderr(Stream::Full).envs([("GF_FIRST", "read"), ("SHUTDOWN_DEBOUNCE", "50ms")]);
    let service = service.envs([("SHUTDOWN_TIMEOUT", "60"), ("SHUTDOWN_FIRST_TIMEOUT", "30")]).start();
    service.signal(Signal::SIGTERM);
    service.wait_text("hook first began");
    for _ in 0..2 {
        service.signal_after(gap, Signal::SIGTERM);
    }
    let exit = service.wait(PATIENCE);
    exit.expect_code(143).expect_within(2 * gap + Duration::from_millis(100));
}

#[test]
fn a_stdout_that_nobody_reads_hangs_only_those_who_write() {
    let hook = "200ms";
    let service = Service::fixture("plain")
        .stdout(Stream::Full)
        .envs([("SHUTDOWN_TASKS", hook), ("SHUTDOWN_LEAVE_TIMEOUT", hook), ("SHUTDOWN_FIRST_TIMEOUT", hook)])
        .envs([("SHUTDOWN_SECOND_TIMEOUT", hook), ("SHUTDOWN_THIRD_TIMEOUT", hook), ("SHUTDOWN_LAST_TIMEOUT", hook)]);
    let exit = terminated(service);
    exit.expect_code(3).expect_outcome("incomplete").expect_within(Duration::from_millis(6 * 200));
    assert_eq!(
        exit.hooks(),
        "leave=timed_out first=timed_out second=timed_out third=timed_out last=timed_out",
        "{exit}"
    );
    assert!(exit.hook("first")["stuck"].as_str().unwrap_or_default().contains("write"), "{exit}");
    exit.expect_incomplete("task main was abandoned");
}

#[test]
fn a_report_that_cannot_be_written() {
    for (path, says) in [
        ("/dev/full", "No space left on device"),
        ("/nowhere/at/all/report.json", "No such file or directory"),
        ("/dev", "Is a directory"),
    ] {
        let exit = Service::fixture("plain").env("GRACEFUL_REPORT", path).start().stop();
        exit.expect_code(3).expect_within(Duration::ZERO);
        let line = exit.line("graceful: graceful-tests shut down in ");
        assert!(
            line.contains(&format!("incomplete, 5 of 5 hooks [the report could not be written to {path}: {says}")),
            "{exit}"
        );
        assert!(line.ends_with(", exit 3"), "{exit}");
    }
}

#[test]
fn a_report_that_cannot_be_written_changes_no_worse_code() {
    let exit =
        Service::fixture("startup").env("GRACEFUL_REPORT", "/dev/full").env("GF_MAIN", "panic").spawn().wait(PATIENCE);
    exit.expect_code(101);
    exit.line("the report could not be written to /dev/full");
}

#[test]
fn a_report_that_hangs_is_left_to_the_watchdog() {
    // Opening a named pipe waits for somebody who reads it.
    let directory = tempfile::tempdir().expect("a directory can be made");
    let pipe = directory.path().join("report.json");
    nix::unistd::mkfifo(&pipe, nix::sys::stat::Mode::S_IRWXU).expect("a pipe can be made");
    let service = Service::fixture("plain").env("GRACEFUL_REPORT", &pipe).env("SHUTDOWN_FLUSH", "500ms").start();
    let exit = service.stop();
    exit.expect_code(124).expect_within(Duration::from_millis(500));
    exit.line("hook last done");
    exit.line("the total ran out while the process was exiting; nothing else would end it, so the watchdog did");
}
