//! A service is not ready before its critical checks have passed, and nothing but those keeps it from that.

use graceful_tests::checks::Orders;

#[test]
fn it_is_ready_once_the_first_run_has_passed() {
    let orders = Orders::new();
    orders.set("database", "error");
    // Neither decides anything.
    orders.set("cache", "error");
    let service = orders.service().start();
    service.wait_text("check failed name=database kind=readiness error=\"database has no answer\"");
    service.wait_count("database runs: error", 2);
    service.wait_text("database is failing, last: database has no answer");
    let before = service.lines();
    assert!(!before.iter().any(|line| line.text().contains("is ready=true")), "{service}");
    orders.set("database", "ok");
    service.wait_text("is ready=true alive=true");
    service.wait_text("check recovered name=database");
    let exit = service.stop();
    exit.expect_code(0).expect_outcome("clean");
    // It failed with its first run, and needs two to pass.
    let passes = exit.stdout().iter().position(|line| *line == "is ready=true alive=true").expect("it was said");
    assert!(exit.stdout()[..passes].iter().filter(|line| **line == "database runs: ok").count() >= 2, "{exit}");
    exit.line("graceful: error: check failed name=database");
    exit.line("graceful: warn: check failed name=cache");
    exit.line("graceful: service ready hooks=1 names=close tasks=0 checks=4");
}

#[test]
fn one_that_has_not_come_back_yet_keeps_it_from_being_ready() {
    let orders = Orders::new();
    orders.set("database", "wait");
    let service = orders.service().start();
    service.wait_text("database runs: wait");
    service.wait_text("moving is passing");
    assert!(!service.lines().iter().any(|line| line.text().contains("is ready=true")), "{service}");
    orders.set("database", "ok");
    service.wait_text("is ready=true");
    service.stop().expect_code(0).expect_outcome("clean");
}

#[test]
fn one_that_is_added_while_it_serves_counts_from_then_on() {
    let orders = Orders::new();
    orders.set("later", "wait");
    let service = orders.service().env("GF_LATER", "yes").start();
    service.wait_text("later runs: wait");
    service.wait_text("database is passing");
    service.wait_text("later is failing, last: timed out after 250ms");
    orders.set("later", "ok");
    service.wait_text("later is passing");
    service.wait_text("is ready=true");
    service.stop().expect_code(0).expect_outcome("clean");
}
