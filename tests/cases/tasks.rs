//! Background tasks: told to stop, joined, and named when they fail or do not end.

use std::time::Duration;

use graceful_tests::{Exit, PATIENCE, Service, Signal};

fn tasks() -> Service {
    Service::fixture("tasks")
}

fn outcomes(exit: &Exit, names: &[&str]) -> String {
    let outcome = |name: &&str| format!("{name}={}", exit.task(name)["outcome"].as_str().unwrap_or("?"));
    names.iter().map(outcome).collect::<Vec<_>>().join(" ")
}

#[test]
fn all_are_told_and_joined_before_the_hooks() {
    let service = tasks().start();
    service.wait_count("beat", 5);
    for name in ["pump", "spare", "again"] {
        service.wait_text(&format!("{name} began"));
    }
    let exit = service.stop();
    exit.expect_code(0).expect_outcome("clean").expect_within(Duration::ZERO);
    assert_eq!(
        outcomes(&exit, &["beat", "vital", "pump", "spare", "again", "lacking", "main"]),
        "beat=stopped vital=stopped pump=stopped spare=stopped again=stopped lacking=not_started main=stopped",
        "{exit}"
    );
    assert!(exit.task("beat")["runs"].as_u64() >= Some(5), "{exit}");
    exit.line("graceful: warn: task not started name=lacking missing=tasks::NeverProvided");
    let stdout = exit.stdout();
    let place =
        |text: &str| stdout.iter().position(|line| *line == text).unwrap_or_else(|| panic!("no {text:?} in {exit}"));
    assert!(place("pump was told to stop") < place("hook close began"), "{exit}");
    assert!(
        place("beat") < place("hook close began") && !stdout[place("hook close began")..].contains(&"beat"),
        "{exit}"
    );
}

#[test]
fn they_run_until_the_drain_has_ended() {
    let service = tasks().env("SHUTDOWN_LAME_DUCK", "300ms").start();
    service.wait_text("beat");
    service.signal(Signal::SIGTERM);
    service.wait_text("to=lame_duck");
    let beats = service.lines().iter().filter(|line| line.text() == "beat").count();
    service.wait_count("beat", beats + 3);
    let exit = service.wait(PATIENCE);
    exit.expect_code(0).expect_outcome("clean").expect_not_before(Duration::from_millis(300));
}

#[test]
fn a_failure_of_one_that_is_vital_shuts_down() {
    for (variable, misdeed, code, kind, text) in [
        ("GF_VITAL", "error", 1, "task_failed", "task vital failed: vital failed on purpose"),
        ("GF_VITAL", "panic", 101, "task_panicked", "task vital panicked: vital panicked on purpose"),
        ("GF_PUMP", "error", 1, "task_failed", "task pump failed: pump failed on purpose"),
        ("GF_PUMP", "panic", 101, "task_panicked", "task pump panicked: pump panicked on purpose"),
    ] {
        // It may be over before main has said that it is ready.
        let exit = tasks().env(variable, misdeed).spawn().wait(PATIENCE);
        exit.expect_code(code);
        assert_eq!(exit.report()["reason"]["kind"], kind, "{exit}");
        assert_eq!(exit.report()["reason"]["text"], text, "{exit}");
        assert_eq!(exit.hooks(), "close=completed", "{exit}");
        exit.line(&format!("graceful: error: shutdown requested reason={kind}"));
    }
}

#[test]
fn a_failure_of_the_others_does_not() {
    for (misdeed, says) in [("error", "task failed"), ("panic", "task panicked")] {
        let (thrice, twice) = (format!("first=3,{misdeed}"), format!("first=2,{misdeed}"));
        let service = tasks().envs([("GF_BEAT", thrice.as_str()), ("GF_AGAIN", &twice), ("GF_SPARE", misdeed)]).start();
        // A periodic one runs at its next turn, one that restarts after a pause, and the third is over.
        service.wait_count(&format!("graceful: error: {says} name=beat"), 3);
        service.wait_count("beat", 10);
        service.wait_count("again began", 3);
        service.wait_text(&format!("graceful: error: {says} name=spare"));
        let exit = service.stop();
        // Their policy says that it does not matter: nothing of the shutdown was left undone.
        exit.expect_code(0).expect_outcome("clean");
        assert_eq!(outcomes(&exit, &["beat", "again", "spare"]), "beat=stopped again=stopped spare=failed", "{exit}");
        let failures = ["beat", "again", "spare"].map(|name| exit.task(name)["failures"].as_u64());
        assert_eq!(failures, [Some(3), Some(2), Some(1)], "{exit}");
        assert_eq!(exit.stdout().iter().filter(|line| **line == "spare began").count(), 1, "{exit}");
    }
}

#[test]
fn a_failure_after_it_was_told_to_stop_is_work_lost() {
    for misdeed in ["error", "panic"] {
        let service = tasks().env("GF_SPARE_END", misdeed).start();
        service.wait_text("spare began");
        let exit = service.stop();
        exit.expect_code(3).expect_outcome("incomplete").expect_incomplete("task spare failed while it was stopping");
    }
}

#[test]
fn one_that_does_not_end_is_named_with_where_it_hangs() {
    let tasks_budget = Duration::from_secs(1);
    for (variable, misdeed, name, stuck) in [
        ("GF_PUMP_END", "read", "pump", "read"),
        ("GF_SPARE_END", "mutex", "spare", "futex"),
        ("GF_BEAT", "busy", "beat", "running"),
    ] {
        let service = tasks().env(variable, misdeed).start();
        service.wait_text("pump began");
        service.wait_text("beat");
        service.wait_text("spare began");
        let exit = service.stop();
        exit.expect_code(3).expect_outcome("incomplete");
        exit.expect_not_before(tasks_budget).expect_within(tasks_budget);
        assert_eq!(exit.task(name)["outcome"], "abandoned", "{exit}");
        assert_eq!(exit.hooks(), "close=completed", "{exit}");
        assert_eq!(exit.phase("stopping_tasks")["end"], "deadline", "{exit}");
        exit.expect_incomplete(&format!("task {name} was abandoned"));
        exit.line(&format!("graceful: error: task abandoned name={name}"));
        assert!(exit.task(name)["stuck"].as_str().unwrap_or_default().contains(stuck), "{exit}");
    }
}

#[test]
fn main_is_joined_like_a_task() {
    let service = tasks().env("GF_MAIN", "stop_sleep").start();
    service.stop().expect_code(0).expect_outcome("clean");
    let exit = tasks().env("GF_MAIN", "read").start().stop();
    exit.expect_code(3).expect_outcome("incomplete");
    assert_eq!(exit.task("main")["outcome"], "abandoned", "{exit}");
    assert!(exit.task("main")["stuck"].as_str().unwrap_or_default().contains("read"), "{exit}");
}

#[test]
fn run_returns_when_the_drain_has_ended() {
    // What main does after it has the time of a task.
    let service =
        Service::fixture("plain").envs([("GF_RUN", "yes"), ("GF_MAIN", "sleep=300"), ("GF_TICKET", "200")]).start();
    let exit = service.stop();
    exit.expect_code(0).expect_outcome("clean").expect_not_before(Duration::from_millis(500));
    let stdout = exit.stdout();
    let place =
        |text: &str| stdout.iter().position(|line| *line == text).unwrap_or_else(|| panic!("no {text:?} in {exit}"));
    assert!(place("work is done") < place("run returned in stopping_tasks: signal"), "{exit}");
    assert!(place("run returned in stopping_tasks: signal") < place("hook first began"), "{exit}");

    let exit = Service::fixture("plain").envs([("GF_RUN", "yes"), ("GF_MAIN", "error")]).start().stop();
    exit.expect_code(1).expect_outcome("failed");
    exit.expect_incomplete("main failed: main failed on purpose");
}

#[test]
fn a_failure_on_the_way_out_still_counts() {
    for (misdeed, code, outcome) in [("error", 1, "failed"), ("panic", 101, "panicked")] {
        let service = tasks().env("GF_PUMP_END", misdeed).start();
        service.wait_text("pump began");
        let exit = service.stop();
        exit.expect_code(code).expect_outcome(outcome);
        assert_eq!(exit.report()["reason"]["kind"], "signal", "the reason stays the first: {exit}");
        assert_eq!(exit.hooks(), "close=completed", "{exit}");
        exit.expect_incomplete("task pump");
    }
}
