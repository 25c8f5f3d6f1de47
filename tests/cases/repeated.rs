//! Repeated signals: doubles count once, the second hastens whatever the phase, the third ends the process.

use std::time::Duration;

use graceful_tests::{Exit, PATIENCE, Running, Service, Signal};

/// Long enough after the last signal for the debounce that these services are given.
const GAP: Duration = Duration::from_millis(200);

/// With budgets so long that only haste can explain a quick end.
fn patient() -> Service {
    Service::fixture("plain")
        .env("SHUTDOWN_TIMEOUT", "120")
        .env("SHUTDOWN_DRAIN", "30")
        .env("SHUTDOWN_TASKS", "30")
        .env("SHUTDOWN_DEBOUNCE", "50ms")
}

fn hastened(service: Running, held_at: &str) -> Exit {
    service.signal(Signal::SIGTERM);
    service.wait_text(held_at);
    service.signal_after(GAP, Signal::SIGTERM);
    service.wait_text("graceful: warn: hastened");
    let exit = service.wait(PATIENCE);
    assert_eq!(exit.signals(), "SIGTERM=graceful SIGTERM=fast", "{exit}");
    exit
}

const ALL_HOOKS: &str = "leave=completed first=completed second=completed third=completed last=completed";

#[test]
fn doubles_count_once() {
    let service = Service::fixture("plain").env("GF_FIRST", "sleep=300").start();
    service.signal(Signal::SIGTERM);
    service.signal_after(Duration::from_millis(5), Signal::SIGTERM);
    let exit = service.wait(PATIENCE);
    exit.expect_code(0).expect_outcome("clean");
    assert_eq!(exit.signals(), "SIGTERM=graceful SIGTERM=debounced", "{exit}");
    assert_eq!(exit.hooks(), ALL_HOOKS, "{exit}");
}

#[test]
fn different_signals_of_one_burst_count_once() {
    let service = Service::fixture("plain").env("GF_FIRST", "sleep=300").start();
    for signal in [Signal::SIGTERM, Signal::SIGINT, Signal::SIGQUIT] {
        service.signal(signal);
    }
    let exit = service.wait(PATIENCE);
    exit.expect_code(0).expect_outcome("clean");
    assert_eq!(exit.signals().matches("=debounced").count(), 2, "{exit}");
}

#[test]
fn a_second_after_the_default_debounce_hastens() {
    let service =
        Service::fixture("plain").env("SHUTDOWN_TIMEOUT", "60").env("SHUTDOWN_DRAIN", "30").env("GF_TICKET", "polite");
    let service = service.start();
    service.signal(Signal::SIGTERM);
    service.wait_text("work was told to stop");
    service.signal_after(Duration::from_millis(550), Signal::SIGTERM);
    let exit = service.wait(PATIENCE);
    exit.expect_code(0).expect_outcome("clean").expect_within(Duration::from_secs(1));
    assert_eq!(exit.signals(), "SIGTERM=graceful SIGTERM=fast", "{exit}");
}

#[test]
fn a_second_ends_the_lame_duck() {
    let service = patient().env("SHUTDOWN_LAME_DUCK", "30").start();
    let exit = hastened(service, "phase changed from=serving to=lame_duck");
    exit.expect_code(0).expect_outcome("clean").expect_within(GAP);
    assert_eq!(exit.hooks(), ALL_HOOKS, "{exit}");
}

#[test]
fn a_second_leaves_the_hooks_before_the_drain_their_time() {
    let exit = hastened(patient().env("GF_LEAVE", "sleep=700").start(), "hook leave began");
    exit.expect_code(0).expect_outcome("clean").expect_not_before(Duration::from_millis(700));
    assert_eq!(exit.hooks(), ALL_HOOKS, "{exit}");
}

#[test]
fn a_second_tells_work_in_flight_to_leave() {
    let exit = hastened(patient().env("GF_TICKET", "polite").start(), "work was told to stop");
    exit.expect_code(0).expect_outcome("clean").expect_within(GAP);
    exit.line("work is done");
    assert_eq!(exit.phase("draining")["end"], "done", "{exit}");
    assert_eq!(exit.hooks(), ALL_HOOKS, "{exit}");
}

#[test]
fn a_second_cuts_what_does_not_leave() {
    let exit = hastened(patient().env("GF_TICKET", "forever").start(), "work was told to stop");
    exit.expect_code(3).expect_outcome("incomplete").expect_within(GAP + Duration::from_millis(250));
    exit.expect_incomplete("work did not end in time");
    assert_eq!(exit.phase("draining")["end"], "escalated", "{exit}");
    assert_eq!(exit.report()["tickets_still_out"], serde_json::json!([{"name": "work", "count": 1}]), "{exit}");
    assert_eq!(exit.hooks(), ALL_HOOKS, "{exit}");
}

#[test]
fn a_second_ends_the_wait_for_tasks() {
    let exit = hastened(patient().env("GF_MAIN", "read").start(), "to=stopping_tasks");
    exit.expect_code(3).expect_outcome("incomplete").expect_within(GAP + Duration::from_millis(250));
    exit.expect_incomplete("task main was abandoned");
    assert_eq!(exit.phase("stopping_tasks")["end"], "escalated", "{exit}");
    assert_eq!(exit.hooks(), ALL_HOOKS, "{exit}");
}

#[test]
fn a_second_leaves_every_hook_its_time() {
    for point in ["GF_FIRST", "GF_LAST"] {
        let began = format!("hook {} began", point[3..].to_ascii_lowercase());
        let exit = hastened(patient().env(point, "sleep=700").start(), &began);
        exit.expect_code(0).expect_outcome("clean").expect_not_before(Duration::from_millis(700));
        assert_eq!(exit.hooks(), ALL_HOOKS, "{exit}");
    }
}

#[test]
fn a_second_does_not_shorten_a_hook_that_hangs() {
    let exit = hastened(patient().env("GF_SECOND", "read").start(), "hook second began");
    exit.expect_code(3).expect_outcome("incomplete");
    exit.expect_not_before(Duration::from_secs(1)).expect_within(Duration::from_secs(1));
    assert_eq!(
        exit.hooks(),
        "leave=completed first=completed second=timed_out third=completed last=completed",
        "{exit}"
    );
}
