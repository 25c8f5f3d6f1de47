//! A shutdown ends the checks: it is not ready at once, alive as before, and the exit waits for none that hangs.

use std::time::Duration;

use graceful_tests::checks::Orders;
use graceful_tests::{PATIENCE, Signal};

#[test]
fn nothing_is_checked_any_more() {
    let orders = Orders::new();
    let service = orders.service().env("SHUTDOWN_LAME_DUCK", "1s").start();
    service.wait_text("is ready=true alive=true");
    service.signal(Signal::SIGTERM);
    service.wait_text("to=lame_duck");
    service.wait_text("is ready=false alive=true");
    // Nobody runs it, so it cannot fail.
    orders.set("moving", "error");
    let exit = service.wait(PATIENCE);
    exit.expect_code(0).expect_outcome("clean").expect_not_before(Duration::from_secs(1));
    let stdout = exit.stdout();
    assert!(!stdout.iter().any(|line| line.contains("alive=false") || *line == "moving runs: error"), "{exit}");
    let down = stdout.iter().rposition(|line| line.starts_with("is ready=false")).expect("it was said");
    let runs = stdout[down..].iter().filter(|line| line.contains(" runs: ")).count();
    assert!(runs <= 3, "one of each at the same instant at most: {exit}");
}

#[test]
fn liveness_stays_what_it_was() {
    let orders = Orders::new();
    orders.set("moving", "error");
    let service = orders.service().env("SHUTDOWN_LAME_DUCK", "700ms").start();
    service.wait_text("is ready=true alive=false");
    orders.set("moving", "ok");
    service.signal(Signal::SIGTERM);
    let exit = service.wait(PATIENCE);
    exit.expect_code(0).expect_outcome("clean");
    let last = exit.stdout().iter().rev().find(|line| line.starts_with("is ")).copied().map(str::to_owned);
    let last = last.unwrap_or_default();
    assert!(last == "is ready=false alive=false" || exit.has("check recovered name=moving"), "{last}: {exit}");
}

#[test]
fn a_run_under_way_gives_its_values_back_first() {
    let orders = Orders::new();
    orders.set("database", "slow");
    let service = orders.service().start();
    service.wait_text("is ready=true");
    let runs = service.lines().iter().filter(|line| line.text() == "database runs: slow").count();
    service.wait_count("database runs: slow", runs + 1);
    let exit = service.stop();
    // The hook takes by value what the check was reading.
    exit.expect_code(0).expect_outcome("clean").expect_within(Duration::from_millis(250));
    assert_eq!(exit.hooks(), "close=completed", "{exit}");
    let stdout = exit.stdout();
    let place =
        |text: &str| stdout.iter().rposition(|line| *line == text).unwrap_or_else(|| panic!("no {text}: {exit}"));
    assert!(place("database was slow") < place("hook close began"), "{exit}");
}

#[test]
fn one_that_hangs_costs_the_exit_nothing_but_what_it_holds() {
    let orders = Orders::new();
    let service = orders.service().start();
    service.wait_text("is ready=true");
    orders.set("database", "hang");
    service.wait_text("database is failing");
    let exit = service.stop();
    exit.expect_within(Duration::ZERO);
    assert_eq!(exit.hooks(), "close=skipped", "{exit}");
    exit.line("graceful: warn: check abandoned name=database stuck=\"sleeping in read(fd");
}

#[test]
fn one_that_has_only_begun_to_hang_costs_its_own_timeout_at_most() {
    let orders = Orders::new();
    orders.set("cache", "hang");
    let service = orders.service().start();
    service.wait_text("cache runs: hang");
    let exit = service.stop();
    exit.expect_code(0).expect_outcome("clean").expect_within(Duration::from_millis(250));
    assert_eq!(exit.hooks(), "close=completed", "{exit}");
}
