//! The ready logger: an object a line for machines, a line for people, and no word too many.

use graceful_tests::{Exit, Service};
use serde_json::Value;

fn logged(variables: &[(&str, &str)]) -> Exit {
    let service = Service::fixture("probes").env("GF_LOGGER", "yes").envs(variables.iter().copied());
    let service = service.start();
    // Its task has begun.
    service.wait_text("waiting");
    let exit = service.stop();
    exit.expect_code(0);
    exit
}

#[test]
fn every_line_is_an_object() {
    let exit = logged(&[("LOG_FORMAT", "json")]);
    let lines: Vec<Value> = exit
        .stderr()
        .iter()
        // The last one is for people, whatever the logger is.
        .filter(|line| !line.starts_with("graceful: "))
        .map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}")))
        .collect();
    let find = |event: &str| {
        lines.iter().find(|line| line["event_type"] == event).unwrap_or_else(|| panic!("no {event} in {exit}"))
    };
    for event in ["service_ready", "signal_received", "shutdown_initiated", "phase_changed", "hook_finished", "exiting"]
    {
        let line = find(event);
        assert_eq!(line["target"], "graceful", "{line}");
        assert!(line["timestamp"].as_str().is_some_and(|time| time.len() == 24 && time.ends_with('Z')), "{line}");
    }
    assert_eq!(find("signal_received")["signal"], "SIGTERM");
    assert_eq!(find("exiting")["code"], 0);
    // Every step of the end says whose it is, what it came to and how long it took.
    let steps = [
        ("phase_changed", "stopping_tasks", "done"),
        ("phase_changed", "cleaning_up", "done"),
        ("task_ended", "wait", "stopped"),
        ("hook_finished", "close", "completed"),
        ("hook_finished", "probes", "completed"),
        ("exiting", "service", "clean"),
    ];
    for (event, component, status) in steps {
        let is_it = |line: &&Value| line["event_type"] == event && line["component"] == component;
        let line = lines.iter().find(is_it).unwrap_or_else(|| panic!("no {event} of {component}: {exit}"));
        assert_eq!(line["status"], status, "{line}");
        assert!(line["took_ms"].as_f64().is_some_and(|took| took < 60_000.0), "{line}");
    }
    for line in lines.iter().filter(|line| line["target"] == "graceful") {
        assert!(line["component"].is_string() && line["status"].is_string(), "{line}");
    }
    let own = lines.iter().find(|line| line["order"] == 7).unwrap_or_else(|| panic!("not ours: {exit}"));
    assert_eq!((&own["level"], &own["message"]), (&"warn".into(), &"order \"late\"".into()));
    assert!(own.get("event_type").is_none());
}

#[test]
fn for_people_without_colour_where_there_is_no_terminal() {
    let exit = logged(&[("LOG_FORMAT", "text"), ("LOG_LEVEL", "warn,graceful=info")]);
    assert!(!exit.has("\x1b["), "{exit}");
    assert!(exit.line("WARN  probes order \"late\" order=7").ends_with("order=7"), "{exit}");
    exit.line("INFO  graceful shutdown requested reason=signal");
    // Without being told, machines are the ones who read what is no terminal.
    logged(&[]).line("\"event_type\":\"service_ready\"");
}

#[test]
fn a_setting_that_cannot_be_read_is_refused() {
    for (name, value, problem) in [
        ("LOG_FORMAT", "xml", "environment variable LOG_FORMAT=\"xml\" cannot be used: write one of json, text"),
        ("LOG_LEVEL", "loud", "LOG_LEVEL: \"loud\" is no level; write one of off, error, warn, info, debug, trace"),
    ] {
        let service = Service::fixture("probes").env("GF_LOGGER", "yes").env(name, value).spawn();
        let exit = service.wait(graceful_tests::PATIENCE);
        exit.expect_code(1);
        exit.line(problem);
    }
}

#[test]
fn a_settings_file_says_how_and_the_environment_is_stronger() {
    let directory = tempfile::TempDir::new().expect("a directory");
    let file = directory.path().join("service.toml");
    std::fs::write(&file, "log_format = \"json\"\nlog_level = \"warn,graceful=info\"\n").expect("written");
    let file = file.to_str().expect("a plain path");
    let exit = logged(&[("GRACEFUL_CONFIG", file)]);
    exit.line("\"event_type\":\"service_ready\"");
    let exit = logged(&[("GRACEFUL_CONFIG", file), ("LOG_FORMAT", "text"), ("LOG_LEVEL", "graceful=off")]);
    assert!(exit.line("WARN  probes order").ends_with("order=7") && !exit.has("service ready"), "{exit}");

    std::fs::write(file, "log_level = \"loud\"\n").expect("written");
    let service = Service::fixture("probes").env("GF_LOGGER", "yes").env("GRACEFUL_CONFIG", file).spawn();
    let exit = service.wait(graceful_tests::PATIENCE);
    exit.expect_code(1);
    exit.line(&format!("trace ({file}:1: \"loud\")"));
}
