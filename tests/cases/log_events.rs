//! The documented events are those that the code tells, with the levels it tells them at.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::fs;
use std::path::Path;

const LEVELS: [&str; 4] = ["error", "warn", "info", "debug"];

/// Told by the logger itself, which builds its record by hand.
const BY_HAND: (&str, &str) = ("log_lines_dropped", "warn");

type Events = BTreeMap<String, BTreeSet<&'static str>>;

fn sources(folder: &Path, visit: &mut dyn FnMut(&str)) {
    for entry in fs::read_dir(folder).expect("a folder of sources") {
        let path = entry.expect("readable").path();
        if path.is_dir() {
            sources(&path, visit);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let text = fs::read_to_string(&path).expect("readable");
            let code = text.split("#[cfg(test)]\nmod tests {").next().unwrap_or_default();
            let code: Vec<&str> = code.lines().filter(|line| !line.trim_start().starts_with("//")).collect();
            visit(&code.join("\n"));
        }
    }
}

/// The literal that the text begins with, and what is behind it.
fn literal(text: &str) -> Option<(&str, &str)> {
    text.trim_start().strip_prefix('"')?.split_once('"')
}

fn event(message: &str) -> String {
    if message == "shutdown requested" { "shutdown_initiated".to_owned() } else { message.replace(' ', "_") }
}

/// `observer.info("phase changed", fields)`, `turn.debug("request refused", …)`.
fn told_by_calls(code: &str, events: &mut Events) {
    for level in LEVELS {
        for call in code.split(&format!(".{level}(")).skip(1) {
            if let Some((message, behind)) = literal(call)
                && behind.trim_start().starts_with(',')
            {
                events.entry(event(message)).or_default().insert(level);
            }
        }
    }
}

/// `log::info!(target: "graceful", pool = name; "pool closed")`.
fn told_by_macros(code: &str, events: &mut Events) {
    for level in LEVELS {
        for call in code.split(&format!("log::{level}!(target: \"graceful\",")).skip(1) {
            let (_, behind) = call.split_once(';').expect("fields, then the message");
            let (message, _) = literal(behind).expect("a message");
            assert!(!message.contains('{'), "{message:?}: what differs from time to time is a field");
            events.entry(event(message)).or_default().insert(level);
        }
    }
}

#[test]
fn the_documented_events_are_all() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the package is in the workspace");
    let mut events = Events::new();
    events.entry(BY_HAND.0.to_owned()).or_default().insert(BY_HAND.1);
    for package in ["graceful-core/src", "graceful-std/src"] {
        sources(&root.join(package), &mut |code| {
            told_by_calls(code, &mut events);
            told_by_macros(code, &mut events);
        });
    }
    for known in
        ["listener_started", "shutdown_initiated", "phase_changed", "hook_finished", "pool_closed", "request_refused"]
    {
        assert!(events.contains_key(known), "the sources are not understood any more: no {known} in {events:?}");
    }
    let mut table = String::from("| event | level |\n|---|---|\n");
    for (event, levels) in &events {
        let levels: Vec<&str> = LEVELS.into_iter().filter(|level| levels.contains(level)).collect();
        let _ = writeln!(table, "| `{event}` | {} |", levels.join(", "));
    }
    let path = root.join("graceful-std/src/logging/events.md");
    if std::env::var_os("GRACEFUL_UPDATE").is_some() {
        fs::write(&path, &table).expect("writable");
    }
    let documented = fs::read_to_string(&path).expect("readable");
    assert!(
        documented == table,
        "the documented events are stale; write them with\nGRACEFUL_UPDATE=1 cargo test -p graceful-tests --test cases log_events\n{table}"
    );
}
