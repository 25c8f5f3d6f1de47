//! Exit codes: why it ended and whether all was done decide, nothing else.

use graceful_tests::{PATIENCE, Service};

#[test]
fn main_that_fails_or_panics_is_cleaned_up_after() {
    // Before it is ready, and long after: main may run in the foreground.
    for (point, hooks) in [
        ("begin", "close_b=skipped close_a=skipped always=completed"),
        ("middle", "close_b=skipped close_a=completed always=completed"),
        ("main", "close_b=completed close_a=completed always=completed"),
    ] {
        for (misdeed, code, outcome, kind, text) in [
            ("error", 1, "failed", "main_failed", format!("main failed: {point} failed on purpose")),
            ("panic", 101, "panicked", "main_panicked", format!("main panicked: {point} panicked on purpose")),
        ] {
            let service = Service::fixture("startup").env(format!("GF_{}", point.to_ascii_uppercase()), misdeed);
            let exit = service.spawn().wait(PATIENCE);
            exit.expect_code(code).expect_outcome(outcome);
            assert_eq!(exit.hooks(), hooks, "{exit}");
            assert_eq!(exit.report()["reason"]["kind"], kind, "{exit}");
            exit.line(&format!("graceful: error: shutdown requested reason={kind} by={text:?}"));
            exit.line(&format!("({text}): {outcome}"));
        }
    }
}

#[test]
fn a_panic_weighs_more_than_a_hook_that_fails() {
    let exit = Service::fixture("startup").envs([("GF_MAIN", "panic"), ("GF_ALWAYS", "error")]).spawn().wait(PATIENCE);
    exit.expect_code(101).expect_outcome("panicked");
    exit.expect_incomplete("hook always failed: always failed on purpose");
}

#[test]
fn an_address_in_use_is_one_clear_line() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").expect("some port is free");
    let address = taken.local_addr().expect("it is bound").to_string();
    for (variable, says) in [
        ("GF_BIND", "Address already in use".to_owned()),
        (
            "GF_TCP",
            format!(
                "cannot listen on {address}: Address already in use (os error 98); stop what listens there, or choose another address"
            ),
        ),
    ] {
        let exit = Service::fixture("startup").env(variable, &address).spawn().wait(PATIENCE);
        exit.expect_code(1).expect_outcome("failed");
        assert_eq!(exit.hooks(), "close_b=skipped close_a=completed always=completed", "{exit}");
        let lines: Vec<_> = exit.stderr().into_iter().filter(|line| line.starts_with("graceful: error: ")).collect();
        assert_eq!(lines.len(), 1, "one clear line: {exit}");
        assert!(lines[0].contains(&says), "{exit}");
        assert!(!exit.has("service ready"), "{exit}");
    }
}

#[test]
fn a_batch_ends_by_itself_with_its_cleanup() {
    let exit = Service::fixture("batch").spawn().wait(PATIENCE);
    exit.expect_code(0).expect_outcome("clean");
    assert_eq!(exit.stdout(), ["working", "worked", "hook close began", "hook close done"], "{exit}");
    assert_eq!(exit.report()["reason"]["kind"], "main_returned", "{exit}");
    assert_eq!(exit.hooks(), "close=completed", "{exit}");
}

#[test]
fn a_batch_that_fails_is_cleaned_up_too() {
    for (misdeed, code) in [("error", 1), ("panic", 101)] {
        let exit = Service::fixture("batch").env("GF_MAIN", misdeed).spawn().wait(PATIENCE);
        exit.expect_code(code);
        assert_eq!(exit.hooks(), "close=completed", "{exit}");
    }
}

#[test]
fn a_batch_can_be_told_to_stop() {
    let batch = Service::fixture("batch").env("GF_MAIN", "stop_sleep").spawn();
    batch.wait_text("working");
    let exit = batch.stop();
    exit.expect_code(0).expect_outcome("clean");
    assert_eq!(exit.report()["reason"]["signal"], "SIGTERM", "{exit}");
    assert!(!exit.has("worked"), "{exit}");
}

#[test]
fn an_incomplete_end_can_be_mapped() {
    // This one says `incomplete_exit_code = 0`: the report tells all the same, and failures stay failures.
    let exit = Service::fixture("batch").env("GF_CLOSE", "error").spawn().wait(PATIENCE);
    exit.expect_code(0).expect_outcome("incomplete");
    exit.line(": incomplete, 0 of 1 hooks [hook close failed: close failed on purpose], exit 0");
    let exit = Service::fixture("batch").envs([("GF_CLOSE", "error"), ("GF_MAIN", "error")]).spawn().wait(PATIENCE);
    exit.expect_code(1).expect_outcome("failed");
}
