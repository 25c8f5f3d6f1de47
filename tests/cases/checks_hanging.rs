//! A check that hangs has failed, is named with where, is not begun again, and holds nobody up.

use graceful_tests::checks::Orders;

#[test]
fn it_is_named_and_keeps_nobody_waiting() {
    let orders = Orders::new();
    let service = orders.service().start();
    service.wait_text("is ready=true alive=true");
    orders.set("cache", "hang");
    service.wait_text("cache is failing, last: timed out after 250ms, ");
    service.wait_text("check failed name=cache kind=readiness error=\"timed out after 250ms, sleeping in read(fd");
    // The others run on, and are read: two rounds of theirs.
    for round in 2..=3 {
        orders.set("database", "error");
        service.wait_count("is ready=false alive=true", round);
        orders.set("database", "ok");
        service.wait_count("is ready=true alive=true", round);
    }
    let exit = service.stop();
    exit.expect_code(0).expect_outcome("clean").expect_within(std::time::Duration::ZERO);
    assert_eq!(exit.stdout().iter().filter(|line| **line == "cache runs: hang").count(), 1, "{exit}");
    exit.line("graceful: warn: check abandoned name=cache stuck=\"sleeping in read(fd");
}

#[test]
fn one_that_comes_back_late_runs_again() {
    let orders = Orders::new();
    let service = orders.service().start();
    service.wait_text("is ready=true");
    orders.set("database", "wait");
    service.wait_text("database is failing, last: timed out after 250ms, ");
    service.wait_count("is ready=false", 2);
    orders.set("database", "ok");
    service.wait_count("is ready=true", 2);
    let exit = service.stop();
    exit.expect_code(0).expect_outcome("clean");
    assert_eq!(exit.stdout().iter().filter(|line| **line == "database runs: wait").count(), 1, "{exit}");
    // What it says after its time is over does not count: two runs did.
    let stdout = exit.stdout();
    let waited = stdout.iter().position(|line| *line == "database has waited").expect("it came back");
    let ready = stdout.iter().rposition(|line| *line == "is ready=true alive=true").expect("it is ready again");
    let runs = stdout[waited..ready].iter().filter(|line| **line == "database runs: ok").count();
    assert!(runs >= 2, "{exit}");
}
