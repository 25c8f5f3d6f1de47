//! The plan lists the checks, as text and as data.

use graceful_tests::{PATIENCE, Service};
use serde_json::{Value, json};

fn line(function: &str) -> usize {
    let source = include_str!("../src/bin/checks.rs");
    let start = format!("fn {function}(");
    1 + source.lines().position(|line| line.starts_with(&start)).expect("it is in the fixture")
}

#[test]
fn as_text() {
    let exit = Service::fixture("checks").env("GRACEFUL", "plan").spawn().wait(PATIENCE);
    exit.expect_code(0);
    let at = |check: &str| format!("tests/src/bin/checks.rs:{} (graceful-tests)", line(check));
    let stdout = exit.stdout();
    let from = stdout.iter().position(|line| *line == "checks:").unwrap_or_else(|| panic!("no checks: {exit}"));
    assert_eq!(
        stdout[from + 1..from + 4],
        [
            format!(
                "  database  readiness, critical  every 250ms, timeout 250ms, fails after 3, passes after 2  {}",
                at("database")
            ),
            format!("  disk  readiness  every 250ms, timeout 250ms, fails after 3, passes after 1  {}", at("disk")),
            format!(
                "  moving  liveness, critical  every 250ms, timeout 250ms, fails after 2, passes after 1  {}",
                at("moving")
            ),
        ],
        "{exit}"
    );
}

#[test]
fn as_data() {
    let exit = Service::fixture("checks").env("GRACEFUL", "plan-json").spawn().wait(PATIENCE);
    exit.expect_code(0);
    let plan: Value = serde_json::from_str(&exit.stdout().join("\n")).unwrap_or_else(|error| panic!("{error}: {exit}"));
    let check = |name: &str, kind: &str, critical: bool, failures: u32, successes: u32| {
        json!({
            "name": name,
            "kind": kind,
            "critical": critical,
            "every_ms": 250.0,
            "timeout_ms": 250.0,
            "failures": failures,
            "successes": successes,
            "origin": {"crate": "graceful-tests", "module": "checks", "file": "tests/src/bin/checks.rs", "line": line(name)},
        })
    };
    let expected = json!([
        check("database", "readiness", true, 3, 2),
        check("disk", "readiness", false, 3, 1),
        check("moving", "liveness", true, 2, 1),
    ]);
    assert_eq!(plan["checks"], expected, "{plan:#}");
}
