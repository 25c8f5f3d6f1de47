//! A process that is stopped and continued while it shuts down: its budgets run on.

use std::time::Duration;

use graceful_tests::{MARGIN, PATIENCE, Running, Service, Signal};

fn stopped_for(service: &Running, time: Duration) {
    service.signal(Signal::SIGSTOP);
    service.wait_stopped();
    service.signal_after(time, Signal::SIGCONT);
}

#[test]
fn a_drain_whose_deadline_passed_meanwhile_ends_at_once() {
    let service = Service::fixture("plain").envs([("GF_TICKET", "forever"), ("SHUTDOWN_DRAIN", "1")]).start();
    service.signal(Signal::SIGTERM);
    service.wait_text("work was told to stop");
    let pause = Duration::from_millis(1500);
    stopped_for(&service, pause);
    let exit = service.wait(PATIENCE);
    exit.expect_code(3).expect_outcome("incomplete").expect_not_before(pause).expect_within(pause);
    assert_eq!(exit.phase("draining")["end"], "deadline", "{exit}");
    // Late, but in full.
    assert_eq!(
        exit.hooks(),
        "leave=completed first=completed second=completed third=completed last=completed",
        "{exit}"
    );
}

#[test]
fn work_that_ends_after_a_short_stop_is_not_cut() {
    let service = Service::fixture("plain")
        .envs([("GF_TICKET", "600"), ("SHUTDOWN_TIMEOUT", "60"), ("SHUTDOWN_DRAIN", "30")])
        .start();
    service.signal(Signal::SIGTERM);
    service.wait_text("work was told to stop");
    stopped_for(&service, Duration::from_millis(300));
    let exit = service.wait(PATIENCE);
    exit.expect_code(0).expect_outcome("clean");
    exit.line("work is done");
    assert_eq!(exit.signals(), "SIGTERM=graceful", "neither of the two is ours: {exit}");
}

#[test]
fn a_total_that_passed_meanwhile_ends_the_process() {
    let hook = "100ms";
    let total = Duration::from_millis(1500);
    let service = Service::fixture("plain")
        .envs([("SHUTDOWN_TIMEOUT_MS", "1500"), ("SHUTDOWN_FLUSH", hook), ("SHUTDOWN_LEAVE_TIMEOUT", hook)])
        .envs([("SHUTDOWN_FIRST_TIMEOUT", hook), ("SHUTDOWN_SECOND_TIMEOUT", hook), ("SHUTDOWN_THIRD_TIMEOUT", hook)])
        .envs([("SHUTDOWN_LAST_TIMEOUT", hook), ("GF_TICKET", "forever")])
        .start();
    service.signal(Signal::SIGTERM);
    service.wait_text("work was told to stop");
    let pause = total + MARGIN + Duration::from_millis(250);
    stopped_for(&service, pause);
    let exit = service.wait(PATIENCE);
    exit.expect_code(124).expect_within(pause);
    if let Some(report) = &exit.report {
        assert_eq!(report["outcome"], "deadline_exceeded", "{exit}");
    }
}
