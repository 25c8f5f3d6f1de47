//! When hooks run: by phase and order, equal orders in parallel.

use std::time::Duration;

use graceful_tests::Service;

#[test]
fn hooks_run_by_phase_and_order() {
    let exit = Service::fixture("order").start().stop();
    exit.expect_code(0)
        .expect_outcome("clean")
        .expect_not_before(Duration::from_millis(300))
        .expect_within(Duration::from_millis(300));
    assert_eq!(
        exit.hooks(),
        "leave=completed early=completed left=completed right=completed late=completed send the rest=completed",
        "{exit}"
    );
    let stdout = exit.stdout();
    let place =
        |text: &str| stdout.iter().position(|line| *line == text).unwrap_or_else(|| panic!("no {text:?} in {exit}"));
    // Not ready and in the lame duck, which goes on after it.
    assert!(place("leave in lame_duck ready false") < place("worker ended"), "{exit}");
    let order =
        ["hook leave done", "worker ended", "hook early began", "hook early done", "hook left began", "hook left done"];
    assert!(order.windows(2).all(|pair| place(pair[0]) < place(pair[1])), "{exit}");
    let order = [
        "hook early done",
        "hook right began",
        "hook right done",
        "hook late began",
        "hook late done",
        "hook send began",
    ];
    assert!(order.windows(2).all(|pair| place(pair[0]) < place(pair[1])), "{exit}");
    let millis =
        |name: &str, key: &str| exit.hook(name)[key].as_f64().unwrap_or_else(|| panic!("no {key} of {name}: {exit}"));
    assert!(millis("leave", "took_ms") < 300.0, "the lame duck is not its time: {exit}");
    assert!(exit.phase("lame_duck")["took_ms"].as_f64() >= Some(300.0), "{exit}");
    assert!(millis("early", "began_ms") >= 300.0, "{exit}");
    let phases = ["lame_duck", "draining", "stopping_tasks", "cleaning_up", "flushing"];
    let entered: Vec<_> =
        exit.report()["phases"].as_array().into_iter().flatten().map(|phase| phase["phase"].clone()).collect();
    assert_eq!(entered, phases, "{exit}");
}

#[test]
fn the_report_knows_where_each_was_declared() {
    let exit = Service::fixture("order").start().stop();
    let source = include_str!("../src/bin/order.rs");
    let line = |text: &str| 1 + source.lines().position(|line| line.starts_with(text)).expect("it is in the fixture");
    for (name, function) in [("late", "fn late("), ("left", "fn left("), ("send the rest", "fn send(")] {
        let origin = &exit.hook(name)["origin"];
        assert_eq!(origin["file"], "tests/src/bin/order.rs", "{exit}");
        assert_eq!(origin["line"], line(function), "{exit}");
        assert_eq!(origin["crate"], "graceful-tests", "{exit}");
        assert_eq!(origin["module"], "order", "{exit}");
    }
}
