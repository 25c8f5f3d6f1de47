//! Every step is a structured event: a fixed message, fields, the target `graceful`; and the logs are flushed at the end,
//! also at a forced one.

use std::time::Duration;

use graceful_tests::{Exit, PATIENCE, Service, Signal};
use serde_json::Value;

/// The events of a run: what a logger that buffers had flushed by the end.
fn events(exit: &Exit) -> Vec<Value> {
    let lines = exit.stdout().into_iter().filter(|line| line.starts_with('{'));
    lines.map(|line| serde_json::from_str(line).expect("each line is JSON")).collect()
}

fn messages(events: &[Value]) -> Vec<String> {
    events.iter().map(|event| format!("{} {}", event["level"], event["message"]).replace('"', "")).collect()
}

fn event<'a>(events: &'a [Value], message: &str, field: &str, value: &str) -> &'a Value {
    let found = events.iter().find(|event| event["message"] == message && event["fields"][field] == value);
    found.unwrap_or_else(|| panic!("no {message:?} with {field}={value} in {events:#?}"))
}

#[test]
fn the_whole_sequence_is_told_and_flushed() {
    let service = Service::fixture("structured").start();
    service.signal(Signal::SIGTERM);
    let exit = service.wait(PATIENCE);
    exit.expect_code(0);
    let events = events(&exit);
    assert!(events.iter().all(|event| event["target"] == "graceful"), "{events:#?}");
    assert_eq!(
        messages(&events),
        [
            "INFO listener started",
            "INFO service ready",
            "INFO signal received",
            "INFO shutdown requested",
            "INFO phase changed",
            "INFO phase changed",
            "INFO listener stopped",
            "INFO listeners stopped",
            "INFO phase changed",
            "INFO phase changed",
            "DEBUG hook began",
            "INFO hook finished",
            "INFO phase changed",
            "INFO exiting",
        ],
        "{exit}"
    );
    let phases: Vec<_> = events.iter().filter(|event| event["message"] == "phase changed").collect();
    let steps: Vec<_> = phases.iter().map(|event| event["fields"]["to"].as_str().unwrap_or("?")).collect();
    assert_eq!(steps, ["lame_duck", "draining", "stopping_tasks", "cleaning_up", "flushing"], "{exit}");
    assert_eq!(phases[1]["fields"]["in_flight"], 0, "{exit}");
    assert_eq!(phases[1]["fields"]["budget"], "1s", "{exit}");
    let signal = event(&events, "signal received", "signal", "SIGTERM");
    assert_eq!(signal["fields"]["pid"], std::process::id(), "{exit}");
    let hook = event(&events, "hook finished", "name", "db");
    assert_eq!(hook["fields"]["outcome"], "completed", "{exit}");
    assert_eq!(event(&events, "exiting", "outcome", "clean")["fields"]["code"], 0, "{exit}");
    // With a logger, stderr has the summary only.
    assert_eq!(exit.stderr().len(), 1, "{exit}");
}

#[test]
fn what_goes_wrong_is_an_error_with_its_name() {
    let exit = Service::fixture("structured").env("GF_HOOK", "panic").start().stop();
    exit.expect_code(3);
    let events = events(&exit);
    let hook = event(&events, "hook finished", "name", "db");
    assert_eq!((hook["level"].as_str(), hook["fields"]["error"].as_str()), (Some("ERROR"), Some("as asked")), "{exit}");
}

#[test]
fn a_forced_end_flushes_what_was_logged() {
    let service = Service::fixture("structured").env("GF_HOOK", "hang").env("SHUTDOWN_DB_TIMEOUT", "4s").start();
    service.signal(Signal::SIGTERM);
    service.signal_after(Duration::from_millis(550), Signal::SIGTERM);
    service.signal_after(Duration::from_millis(550), Signal::SIGTERM);
    let exit = service.wait(PATIENCE);
    exit.expect_code(143).expect_outcome("forced");
    let events = events(&exit);
    let hook = event(&events, "hook abandoned", "name", "db");
    assert!(hook["fields"]["stuck"].as_str().is_some_and(|stuck| stuck.contains("futex")), "{exit}");
}
