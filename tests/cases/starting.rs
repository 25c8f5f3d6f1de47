//! A stop while the service starts: only what was provided is cleaned up.

use std::time::Duration;

use graceful_tests::{Exit, PATIENCE, Running, Service, Signal};

fn held(point: &str, misdeed: &str) -> Running {
    Service::fixture("startup").env(point, misdeed).spawn()
}

fn stopped_after(service: Running, line: &str) -> Exit {
    service.wait_text(line);
    service.signal(Signal::SIGTERM);
    let exit = service.wait(PATIENCE);
    assert_eq!(exit.report()["reason"]["signal"], "SIGTERM", "{exit}");
    assert!(!exit.has("provided B") && !exit.has("ready"), "{exit}");
    exit
}

#[test]
fn before_anything_was_provided() {
    let exit = stopped_after(held("GF_BEGIN", "stop_sleep"), "main began");
    exit.expect_code(0).expect_outcome("clean").expect_within(Duration::ZERO);
    assert_eq!(exit.hooks(), "close_b=skipped close_a=skipped always=completed", "{exit}");
    assert_eq!(exit.hook("close_a")["detail"], "no startup::A was provided", "{exit}");
    assert!(exit.incomplete().is_empty(), "what was never there is not missing: {exit}");
}

#[test]
fn between_two_values() {
    let exit = stopped_after(held("GF_MIDDLE", "stop_sleep"), "provided A");
    exit.expect_code(0).expect_outcome("clean").expect_within(Duration::ZERO);
    assert_eq!(exit.hooks(), "close_b=skipped close_a=completed always=completed", "{exit}");
    assert_eq!(exit.hook("close_b")["detail"], "no startup::B was provided", "{exit}");
    assert_eq!(
        exit.stdout()[2..],
        ["hook close_a began", "hook close_a done", "hook always began", "hook always done"]
    );
}

#[test]
fn while_it_hears_of_nothing() {
    // Longer than the 500 ms that main has as the others' last task.
    let exit = stopped_after(held("GF_MIDDLE", "sleep=30000"), "provided A");
    exit.expect_code(3).expect_outcome("incomplete");
    exit.expect_not_before(Duration::from_millis(500)).expect_within(Duration::from_millis(500));
    assert_eq!(exit.hooks(), "close_b=skipped close_a=completed always=completed", "{exit}");
    assert_eq!(exit.task("main")["outcome"], "abandoned", "{exit}");
    exit.expect_incomplete("task main was abandoned");
}

#[test]
fn a_start_that_ends_in_time_after_all() {
    let service = held("GF_MIDDLE", "sleep=300");
    service.wait_text("provided A");
    service.signal(Signal::SIGTERM);
    let exit = service.wait(PATIENCE);
    // It goes on and provides B, which is there for its hook then.
    exit.expect_code(0).expect_outcome("clean");
    assert_eq!(exit.hooks(), "close_b=completed close_a=completed always=completed", "{exit}");
    assert!(!exit.has("service ready"), "{exit}");
}

#[test]
fn nobody_has_to_look_away_from_what_was_never_ready() {
    let service = Service::fixture("startup").env("GF_MIDDLE", "stop_sleep").env("SHUTDOWN_LAME_DUCK", "5").spawn();
    stopped_after(service, "provided A").expect_code(0).expect_within(Duration::from_secs(1));
}

#[test]
fn a_failure_on_the_way_out_still_counts() {
    let exit = stopped_after(held("GF_MIDDLE", "sleep=200,error"), "provided A");
    exit.expect_code(1).expect_outcome("failed");
    exit.expect_incomplete("main failed: middle failed on purpose");
    assert_eq!(exit.hooks(), "close_b=skipped close_a=completed always=completed", "{exit}");
}
