//! SIGHUP reloads where there is a reload hook, one round at a time, and never stops the service.

use graceful_tests::{Service, Signal};

fn count(lines: &[&str], text: &str) -> usize {
    lines.iter().filter(|line| line.contains(text)).count()
}

#[test]
fn each_hangup_is_a_round() {
    let service = Service::fixture("reloads").start();
    for round in 1..=2 {
        service.signal(Signal::SIGHUP);
        service.wait_count("reload finished name=two", round);
    }
    let exit = service.stop();
    exit.expect_code(0).expect_outcome("clean");
    assert_eq!(
        exit.stdout(),
        [
            "ready",
            "reload one began",
            "reload two began",
            "reload one began",
            "reload two began",
            "hook close began",
            "hook close done"
        ],
        "{exit}"
    );
    assert_eq!(exit.signals(), "SIGTERM=graceful", "{exit}");
}

#[test]
fn what_is_asked_for_meanwhile_is_one_more_round() {
    let service = Service::fixture("reloads").env("GF_ONE", "sleep=400").start();
    service.signal(Signal::SIGHUP);
    service.wait_text("reload one began");
    for asked in 2..=4 {
        service.signal(Signal::SIGHUP);
        service.wait_count("signal received signal=SIGHUP", asked);
    }
    service.wait_count("reload finished name=two", 2);
    let exit = service.stop();
    exit.expect_code(0).expect_outcome("clean");
    assert_eq!(count(&exit.stdout(), "reload one began"), 2, "{exit}");
    // It is given 100 ms, and nothing more happens when it takes longer.
    assert_eq!(count(&exit.stderr(), "reload was late name=one"), 2, "{exit}");
}

#[test]
fn a_failing_hook_stops_neither_the_next_nor_the_service() {
    for (fails, line) in [
        ("error", "graceful: error: reload failed name=one error=\"one failed on purpose\""),
        ("panic", "graceful: error: reload panicked name=one panic=\"one panicked on purpose\""),
    ] {
        let service = Service::fixture("reloads").env("GF_ONE", fails).start();
        for round in 1..=2 {
            service.signal(Signal::SIGHUP);
            service.wait_count("reload finished name=two", round);
        }
        let exit = service.stop();
        exit.expect_code(0).expect_outcome("clean");
        assert_eq!(count(&exit.stderr(), line), 2, "{exit}");
    }
}

#[test]
fn a_hangup_during_the_shutdown_is_ignored() {
    let service = Service::fixture("reloads").env("GF_CLOSE", "sleep=600").start();
    service.signal(Signal::SIGTERM);
    service.wait_text("hook close began");
    service.signal(Signal::SIGHUP);
    service.wait_text("reload ignored phase=cleaning_up");
    let exit = service.wait(graceful_tests::PATIENCE);
    exit.expect_code(0).expect_outcome("clean");
    assert_eq!(exit.signals(), "SIGTERM=graceful", "{exit}");
    assert_eq!(count(&exit.stdout(), "reload one began"), 0, "{exit}");
}

#[test]
fn a_flood_of_hangups_drowns_no_stop() {
    let service = Service::fixture("reloads").env("GF_ONE", "sleep=200").start();
    for _ in 0..2000 {
        service.signal(Signal::SIGHUP);
    }
    let exit = service.stop();
    exit.expect_code(0).expect_outcome("clean");
    assert_eq!(exit.report()["reason"]["signal"], "SIGTERM", "{exit}");
    assert!(count(&exit.stdout(), "reload one began") <= 20, "{exit}");
}

#[test]
fn a_reload_under_way_ends_before_the_hooks_of_the_cleanup() {
    let service = Service::fixture("reloads").env("GF_TWO", "sleep=400").start();
    service.signal(Signal::SIGHUP);
    service.wait_text("reload two began");
    // One more was asked for, which nobody needs any more.
    service.signal(Signal::SIGHUP);
    service.wait_count("signal received signal=SIGHUP", 2);
    let exit = service.stop();
    exit.expect_code(0).expect_outcome("clean");
    assert_eq!(exit.task("reload hooks")["outcome"], "stopped", "{exit}");
    let lines: Vec<_> = exit.lines.iter().map(graceful_tests::Line::text).collect();
    let place =
        |text: &str| lines.iter().position(|line| line.contains(text)).unwrap_or_else(|| panic!("no {text}: {exit}"));
    assert!(place("to=stopping_tasks") < place("reload finished name=two"), "{exit}");
    assert!(place("reload finished name=two") < place("to=cleaning_up"), "{exit}");
    assert_eq!(count(&exit.stdout(), "reload two began"), 1, "{exit}");
}

#[test]
fn a_reload_that_hangs_is_named() {
    let service = Service::fixture("reloads").env("GF_ONE", "read").env("SHUTDOWN_TASKS", "300ms").start();
    service.signal(Signal::SIGHUP);
    service.wait_text("reload one began");
    let exit = service.stop();
    exit.expect_code(3).expect_outcome("incomplete");
    exit.expect_incomplete("task reload hooks was abandoned");
    assert_eq!(exit.hooks(), "close=completed", "{exit}");
}
