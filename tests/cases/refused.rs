//! Bad input: one clear line on stderr, exit code 1, and the user's main has not run.

use graceful_tests::{PATIENCE, Service};

fn refused(service: Service, message: &str) {
    let exit = service.spawn().wait(PATIENCE);
    exit.expect_code(1);
    assert_eq!(exit.stdout(), [""; 0], "user code ran: {exit}");
    assert_eq!(exit.stderr(), [format!("graceful: error: graceful-tests did not start: {message}")], "{exit}");
    assert!(exit.report.is_none(), "nothing began that could be reported: {exit}");
}

#[test]
fn environment_that_cannot_be_used() {
    let seconds = "write a whole number of seconds, or a duration as in 20s or 1m 30s";
    let millis = "write a whole number of milliseconds, or a duration as in 20s or 1m 30s";
    let level = "write one of off, error, warn, info, debug, trace";
    let show = "write one of config, config-json, health, plan, plan-json, run";
    for (name, value, cure) in [
        ("SHUTDOWN_TIMEOUT", "soon", seconds),
        ("SHUTDOWN_TIMEOUT", "-5", seconds),
        ("SHUTDOWN_TIMEOUT_MS", "1.5", millis),
        ("SHUTDOWN_DRAIN", "99999999999", "at most 24h"),
        ("SHUTDOWN_SECOND_TIMEOUT", "1 fortnight", seconds),
        ("READINESS_CHECK_ENABLED", "maybe", "write true or false"),
        ("GRACEFUL_LOG", "loud", level),
        ("GRACEFUL", "plam", show),
    ] {
        let message = format!("environment variable {name}={value:?} cannot be used: {cure}");
        refused(Service::fixture("plain").env(name, value), &message);
    }
    refused(
        Service::fixture("plain").envs([("SHUTDOWN_TIMEOUT", "20"), ("SHUTDOWN_TIMEOUT_MS", "30000")]),
        "environment variable SHUTDOWN_TIMEOUT_MS=\"30000\" cannot be used: SHUTDOWN_TIMEOUT sets the same to another value; \
         set one of them",
    );
}

#[test]
fn a_value_that_is_no_text() {
    use std::ffi::OsString;
    use std::os::unix::ffi::OsStringExt as _;

    let exit =
        Service::fixture("plain").env("SHUTDOWN_DRAIN", OsString::from_vec(vec![b'5', 0xff])).spawn().wait(PATIENCE);
    exit.expect_code(1);
    exit.line("environment variable SHUTDOWN_DRAIN=\"5\u{fffd}\" cannot be used: it is not UTF-8");
}

#[test]
fn a_plan_that_cannot_be_kept_shows_its_sum() {
    refused(
        Service::fixture("plain").env("SHUTDOWN_TIMEOUT", "2"),
        "the plan cannot be kept: leave 1s (before_drain, order 0) + first 1s (cleanup, order 10) + second 1s (cleanup, order \
         20) + third 1s (cleanup, order 30) + last 1s (flush, order 0) + flush 1s = 6s is more than the total of 2s; set \
         timeout = \"6s\" or more, or shorten a step",
    );
    refused(
        Service::fixture("plain").env("SHUTDOWN_FIRST_TIMEOUT", "0"),
        "hook first has no time at all; write timeout = \"5s\"",
    );
}

#[test]
fn one_name_for_two() {
    let source = include_str!("../src/bin/same_name.rs");
    let line = |text: &str| 1 + source.lines().position(|line| line == text).expect("it is in the fixture");
    let file = "tests/src/bin/same_name.rs";
    refused(
        Service::fixture("same_name"),
        &format!(
            "two parts of the plan are called \"close\": one ({file}:{}), another ({file}:{}); give one of them a name of its own: \
             name = \"…\"",
            line("fn close() {}"),
            line("fn close_too() {}")
        ),
    );
}

#[test]
fn a_hook_that_was_not_linked() {
    refused(
        Service::fixture("miscounted"),
        "expect_hooks = 2, but 1 hook was found: [close]; a crate that nobody names is not linked: name its hooks in \
         #[graceful::main(hooks = [its_crate::its_hook])], or correct expect_hooks",
    );
}

#[test]
fn one_value_for_two() {
    let exit = Service::fixture("taken_twice").spawn().wait(PATIENCE);
    exit.expect_code(1);
    assert_eq!(exit.stdout(), [""; 0], "{exit}");
    exit.line("did not start: one and two both take the taken_twice::Pool");
}
