//! Whatever a hook does, the others run, it is named with where it hangs, and the process ends in time.

use std::time::Duration;

use graceful_tests::{Exit, PATIENCE, Service, Signal};

/// What `second` is given, as its attribute says.
const TIMEOUT: Duration = Duration::from_secs(1);

fn second(misdeeds: &str, others: &[(&str, &str)]) -> Exit {
    let service = Service::fixture("plain").env("GF_SECOND", misdeeds).envs(others.iter().copied());
    service.start().stop()
}

#[test]
fn a_hook_that_fails_is_named_with_its_error() {
    for (misdeed, outcome, detail) in
        [("error", "failed", "second failed on purpose"), ("panic", "panicked", "second panicked on purpose")]
    {
        let exit = second(misdeed, &[]);
        exit.expect_code(3).expect_outcome("incomplete").expect_within(Duration::ZERO);
        assert_eq!(
            exit.hooks(),
            format!("leave=completed first=completed second={outcome} third=completed last=completed"),
            "{exit}"
        );
        assert_eq!(exit.hook("second")["detail"], detail, "{exit}");
        exit.expect_incomplete(&format!("hook second {outcome}: {detail}"));
        exit.line(&format!("graceful: error: hook finished name=second order=20 outcome={outcome}"));
        exit.line(&format!("[hook second {outcome}: {detail}], exit 3"));
    }
}

#[test]
fn a_hook_that_hangs_is_abandoned_and_told_where() {
    for (misdeed, stuck) in [("read", "in read"), ("mutex", "in futex"), ("busy", "running")] {
        let exit = second(misdeed, &[]);
        exit.expect_code(3).expect_outcome("incomplete").expect_not_before(TIMEOUT).expect_within(TIMEOUT);
        assert_eq!(
            exit.hooks(),
            "leave=completed first=completed second=timed_out third=completed last=completed",
            "{exit}"
        );
        let hook = exit.hook("second");
        assert!(hook["took_ms"].as_f64() >= Some(1000.0), "{exit}");
        exit.expect_incomplete("hook second was abandoned after 1s");
        exit.line("graceful: error: hook abandoned name=second after=1s");
        assert!(hook["stuck"].as_str().unwrap_or_default().contains(stuck), "{misdeed}: {exit}");
    }
}

#[test]
fn a_hook_that_is_late_is_told_of_when_it_comes_to_its_end() {
    let exit = second("sleep=1200", &[("GF_THIRD", "sleep=600")]);
    exit.expect_code(3).expect_outcome("incomplete");
    assert_eq!(
        exit.hooks(),
        "leave=completed first=completed second=timed_out third=completed last=completed",
        "{exit}"
    );
    exit.line("graceful: warn: abandoned hook finished name=second");
}

#[test]
fn the_locks_of_the_standard_streams_are_not_needed() {
    for lock in ["hold_stdout", "hold_stderr", "hold_stdout,hold_stderr"] {
        let exit = second(&format!("{lock},read"), &[]);
        exit.expect_code(3).expect_outcome("incomplete").expect_within(TIMEOUT);
        assert_eq!(
            exit.hooks(),
            "leave=completed first=completed second=timed_out third=completed last=completed",
            "{exit}"
        );
        // Not even the logs need them.
        assert_eq!(exit.incomplete(), ["hook second was abandoned after 1s"], "{exit}");
        exit.line("graceful: error: hook abandoned name=second after=1s");
        exit.line(", exit 3");
    }
}

#[test]
fn a_panic_beside_a_held_stderr_is_a_panic() {
    let exit = second("hold_stderr,read", &[("GF_THIRD", "panic")]);
    exit.expect_code(3).expect_outcome("incomplete").expect_within(TIMEOUT);
    assert_eq!(
        exit.hooks(),
        "leave=completed first=completed second=timed_out third=panicked last=completed",
        "{exit}"
    );
}

#[test]
fn a_logger_that_hangs_holds_up_nothing() {
    let service = Service::fixture("plain").envs([("GF_SECOND", "hold_logger,read"), ("GF_LOGGER", "lines")]).start();
    service.wait_text("log: INFO graceful: service ready");
    let exit = service.stop();
    // The logs are waited for as long as the flush may take, twice at most: for what was logged, and for the last lines.
    exit.expect_code(3).expect_outcome("incomplete").expect_within(TIMEOUT + 2 * Duration::from_secs(1));
    assert_eq!(
        exit.hooks(),
        "leave=completed first=completed second=timed_out third=completed last=completed",
        "{exit}"
    );
    exit.expect_incomplete("the flush of the logs did not end in time");
    // The summary does not need the logger.
    exit.line("graceful: graceful-tests shut down in ");
}

#[test]
fn a_logger_that_panics_is_told_of() {
    let exit = second("", &[("GF_LOGGER", "panic")]);
    exit.expect_code(0).expect_outcome("clean");
    exit.line("graceful: the logger panicked");
    exit.line("graceful: graceful-tests shut down in ");
}

#[test]
fn a_flush_that_hangs_is_named() {
    let exit = second("", &[("GF_LOGGER", "hang_flush")]);
    exit.expect_code(3).expect_outcome("incomplete").expect_within(2 * Duration::from_secs(1));
    exit.expect_incomplete("the flush of the logs did not end in time");
    assert_eq!(exit.phase("flushing")["end"], "deadline", "{exit}");
}

#[test]
fn a_flush_that_hangs_and_a_third_signal() {
    let gap = Duration::from_millis(200);
    let service = Service::fixture("plain")
        .envs([
            ("GF_LOGGER", "hang_flush"),
            ("GF_TICKET", "forever"),
            ("GF_MAIN", "read"),
            ("SHUTDOWN_DEBOUNCE", "50ms"),
        ])
        .envs([("SHUTDOWN_TIMEOUT", "60"), ("SHUTDOWN_FLUSH", "30")])
        .start();
    service.signal(Signal::SIGTERM);
    service.wait_text("work was told to stop");
    service.signal_after(gap, Signal::SIGTERM);
    service.wait_text("exiting outcome=incomplete");
    service.signal_after(gap, Signal::SIGTERM);
    let exit = service.wait(PATIENCE);
    exit.expect_code(143).expect_outcome("forced");
    let incomplete = exit.incomplete();
    for part in
        ["work did not end in time", "task main was abandoned", "SIGTERM ended the process while it was flushing"]
    {
        assert_eq!(incomplete.iter().filter(|line| line.contains(part)).count(), 1, "{part} once: {exit}");
    }
}

#[test]
fn a_good_logger_gets_everything_and_is_flushed_last() {
    let exit = second("", &[("GF_LOGGER", "lines")]);
    exit.expect_code(0).expect_outcome("clean");
    exit.line("log: INFO graceful: signal received signal=SIGTERM");
    exit.line("log: INFO graceful: exiting outcome=clean code=0");
    let stderr = exit.stderr();
    assert!(stderr.last().is_some_and(|line| line.starts_with("graceful: graceful-tests shut down")), "{exit}");
    assert!(stderr.contains(&"log: flushed"), "{exit}");
}

#[test]
fn the_total_holds_with_everything_stuck() {
    let total = Duration::from_secs(6);
    let everything = [
        ("GF_MAIN", "hold_stdout,busy"),
        ("GF_TICKET", "forever"),
        ("GF_LEAVE", "read"),
        ("GF_FIRST", "mutex"),
        ("GF_SECOND", "read"),
        ("GF_THIRD", "mutex"),
        ("GF_LAST", "read"),
    ];
    // What the hooks and the flush need is exactly the total: nothing is left for the waits.
    let service = Service::fixture("plain").envs(everything).env("SHUTDOWN_TIMEOUT_MS", "6000").start();
    service.signal(Signal::SIGTERM);
    let exit = service.wait(PATIENCE);
    exit.expect_code(3).expect_outcome("incomplete").expect_within(total);
    assert_eq!(
        exit.hooks(),
        "leave=timed_out first=timed_out second=timed_out third=timed_out last=timed_out",
        "{exit}"
    );
    for hook in ["leave", "first", "second", "third", "last"] {
        let took = exit.hook(hook)["took_ms"].as_f64().unwrap_or_default();
        assert!(took >= 1000.0, "{hook} was promised a second and got {took} ms: {exit}");
    }
    exit.expect_incomplete("work did not end in time");
    exit.expect_incomplete("task main was abandoned");
}
