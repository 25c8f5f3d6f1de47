//! So many failures in a row, and so many successes: what is in between changes nothing.

use graceful_tests::checks::Orders;
use graceful_tests::{Line, Running};

fn count(service: &Running, text: &str) -> usize {
    service.lines().iter().filter(|line| line.text() == text).count()
}

#[test]
fn not_ready_after_three_failures_and_back_after_two_successes() {
    let orders = Orders::new();
    let service = orders.service().start();
    service.wait_count("is ready=true alive=true", 1);
    orders.set("database", "error");
    service.wait_count("is ready=false alive=true", 2);
    let failures = count(&service, "database runs: error");
    assert!(failures >= 3, "{failures}: {service}");
    orders.set("database", "ok");
    service.wait_count("is ready=true alive=true", 2);
    let exit = service.stop();
    exit.expect_code(0).expect_outcome("clean");
    exit.line("graceful: error: check failed name=database kind=readiness error=\"database has no answer\"");
    exit.line("graceful: check recovered name=database kind=readiness after=");
    // A change is told, a run is not.
    let told = exit.lines.iter().filter(|line| line.text().contains("name=database kind=")).count();
    assert_eq!(told, 3, "{exit}");
    let texts: Vec<_> = exit.lines.iter().map(Line::text).collect();
    let place =
        |text: &str| texts.iter().rposition(|line| *line == text).unwrap_or_else(|| panic!("no {text}: {exit}"));
    let good = texts[place("database runs: error")..place("is ready=true alive=true")].iter();
    assert!(good.filter(|line| **line == "database runs: ok").count() >= 2, "{exit}");
}

#[test]
fn liveness_is_another_matter() {
    let orders = Orders::new();
    let service = orders.service().start();
    service.wait_text("is ready=true alive=true");
    orders.set("moving", "error");
    service.wait_text("is ready=true alive=false");
    service.wait_text("check failed name=moving kind=liveness error=\"moving has no answer\"");
    orders.set("moving", "ok");
    service.wait_count("is ready=true alive=true", 2);
    service.stop().expect_code(0).expect_outcome("clean");
}
