//! Values by type: given, shared, optional, missing, and against the plan.

use graceful_tests::{Exit, PATIENCE, Service};

fn with(pool: &str, extra: &str) -> Service {
    let service = Service::fixture("values");
    let service = if pool.is_empty() { service } else { service.env("GF_POOL", pool) };
    if extra.is_empty() { service } else { service.env("GF_EXTRA", extra) }
}

fn refused_at_the_end_of_the_start(service: Service) -> Exit {
    let exit = service.spawn().wait(PATIENCE);
    exit.expect_code(1).expect_outcome("failed");
    assert_eq!(exit.report()["reason"]["kind"], "start_failed", "{exit}");
    assert!(!exit.has("ready"), "{exit}");
    exit
}

#[test]
fn everything_there() {
    let exit = with("given", "once").start().stop();
    exit.expect_code(0).expect_outcome("clean");
    assert_eq!(
        exit.stdout(),
        [
            "ready",
            "reads a pool",
            "hook reads began",
            "hook reads done",
            "shares a pool",
            "takes a pool",
            "maybe true",
            "needs it",
            "knows true signal true cleaning_up",
            "extra dropped"
        ],
        "{exit}"
    );
}

#[test]
fn destructors_hold_up_nothing() {
    for (misdeed, code, says) in
        [("read", 3, "values not dropped after=500ms"), ("panic", 0, "drop panicked on purpose")]
    {
        let exit = with("shared_only", "once").env("GF_DROP", misdeed).start().stop();
        exit.expect_code(code).expect_within(std::time::Duration::from_millis(500));
        if code == 3 {
            exit.expect_incomplete("provided values were not dropped in time");
        }
        exit.line("extra dropped");
        exit.line(says);
        exit.line("graceful: graceful-tests shut down in ");
    }
}

#[test]
fn nothing_there() {
    let exit = with("", "").start().stop();
    exit.expect_code(0).expect_outcome("clean");
    assert_eq!(
        exit.hooks(),
        "reads=skipped shares=skipped takes=skipped maybe=completed needs=skipped knows=completed",
        "{exit}"
    );
    assert_eq!(exit.hook("reads")["detail"], "no values::Pool was provided", "{exit}");
    assert_eq!(exit.hook("needs")["detail"], "no values::Extra was provided", "{exit}");
    exit.line("graceful: hook finished name=needs order=5 outcome=skipped");
    assert_eq!(exit.stdout()[1..], ["maybe false", "knows true signal true cleaning_up"], "{exit}");
}

#[test]
fn what_a_hook_that_hangs_still_holds_cannot_be_taken() {
    let exit = with("given", "once").env("GF_READS", "read").start().stop();
    exit.expect_code(3).expect_outcome("incomplete");
    assert_eq!(
        exit.hooks(),
        "reads=timed_out shares=completed takes=skipped maybe=completed needs=completed knows=completed",
        "{exit}"
    );
    exit.expect_incomplete("hook takes was skipped: values::Pool is still held elsewhere");
}

#[test]
fn shared_but_taken() {
    let exit = refused_at_the_end_of_the_start(with("shared", ""));
    exit.line(
        "takes takes a values::Pool by value, but it was shared with app.provide(); hand it over with app.give()",
    );
    // What was provided is cleaned up all the same, as far as it goes.
    assert_eq!(exit.hook("reads")["outcome"], "completed", "{exit}");
    assert_eq!(exit.hook("takes")["outcome"], "skipped", "{exit}");
}

#[test]
fn provided_twice() {
    let exit = refused_at_the_end_of_the_start(with("given", "twice"));
    exit.line("a value of type values::Extra was provided twice; wrap one of them in a type of its own");
    assert_eq!(exit.hook("takes")["outcome"], "completed", "{exit}");
}
