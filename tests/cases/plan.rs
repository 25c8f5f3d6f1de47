//! The plan, shown instead of a run: what will happen, in which order, in which time, declared where.

use graceful_tests::{Exit, PATIENCE, Service};
use serde_json::{Value, json};

fn shown(service: Service) -> Exit {
    let exit = service.spawn().wait(PATIENCE);
    exit.expect_code(0);
    assert_eq!(exit.stderr(), [""; 0], "{exit}");
    assert!(exit.report.is_none() && !exit.has("main began"), "user code ran: {exit}");
    exit
}

fn as_json(service: Service) -> Value {
    let exit = shown(service.env("GRACEFUL", "plan-json"));
    serde_json::from_str(&exit.stdout().join("\n")).unwrap_or_else(|error| panic!("{error}: {exit}"))
}

/// The line of a function in the source of the fixture `plain`.
fn plain(function: &str) -> usize {
    let source = include_str!("../src/bin/plain.rs");
    let start = format!("fn {function}()");
    1 + source.lines().position(|line| line.starts_with(&start)).expect("it is in the fixture")
}

#[test]
fn as_text() {
    let exit = shown(Service::fixture("plain").env("GRACEFUL", "plan"));
    let at = |hook: &str| format!("tests/src/bin/plain.rs:{} (graceful-tests)", plain(hook));
    let expected = [
        "plan of graceful-tests: 10s in all, worst case 9s".to_owned(),
        "  lame_duck              1s".to_owned(),
        "  draining               3s".to_owned(),
        "  stopping_tasks         0s".to_owned(),
        "  cleaning_up            3s".to_owned(),
        "  flushing               2s  (logs 1s)".to_owned(),
        "hooks, in the order in which they run (equal orders in parallel):".to_owned(),
        format!("  before_drain order 0      leave        1s  {}", at("leave")),
        format!("  cleanup      order 10     first        1s  {}", at("first")),
        format!("  cleanup      order 20     second       1s  {}", at("second")),
        format!("  cleanup      order 30     third        1s  {}", at("third")),
        format!("  flush        order 0      last         1s  {}", at("last")),
        "signals: SIGHUP shutdown, SIGINT shutdown, SIGQUIT shutdown, SIGTERM shutdown, SIGUSR2 shutdown".to_owned(),
    ];
    assert_eq!(exit.stdout(), expected, "{exit}");
}

#[test]
fn as_data() {
    let hook = |name: &str, phase: &str, order: i32| {
        json!({
            "name": name,
            "phase": phase,
            "order": order,
            "timeout_ms": 1000.0,
            "origin": {"crate": "graceful-tests", "module": "plain", "file": "tests/src/bin/plain.rs", "line": plain(name)},
        })
    };
    let phase = |name: &str, asked: f64, granted: f64| json!({"phase": name, "asked_ms": asked, "granted_ms": granted});
    let expected = json!({
        "schema": 1,
        "service": "graceful-tests",
        "timeout_ms": 10000.0,
        "worst_case_ms": 9000.0,
        "phases": [
            phase("lame_duck", 0.0, 1000.0),
            phase("draining", 3000.0, 3000.0),
            phase("stopping_tasks", 1000.0, 0.0),
            phase("cleaning_up", 3000.0, 3000.0),
            phase("flushing", 2000.0, 2000.0),
        ],
        "hooks": [
            hook("leave", "before_drain", 0),
            hook("first", "cleanup", 10),
            hook("second", "cleanup", 20),
            hook("third", "cleanup", 30),
            hook("last", "flush", 0),
        ],
        "checks": [],
        "tasks": [],
        "reloads": [],
        "signals": {
            "SIGHUP": "shutdown",
            "SIGINT": "shutdown",
            "SIGQUIT": "shutdown",
            "SIGTERM": "shutdown",
            "SIGUSR2": "shutdown",
        },
    });
    assert_eq!(as_json(Service::fixture("plain")), expected);
}

#[test]
fn the_environment_shows() {
    let plain = || Service::fixture("plain").envs([("SHUTDOWN_TIMEOUT_MS", "20000"), ("SHUTDOWN_FLUSH", "500ms")]);
    let set = [("SHUTDOWN_DRAIN", "8"), ("SHUTDOWN_LAME_DUCK", "1500ms"), ("SHUTDOWN_SECOND_TIMEOUT", "4")];
    let plan = as_json(plain().envs(set));
    assert_eq!(plan["timeout_ms"], 20000.0);
    assert_eq!(plan["phases"][0], json!({"phase": "lame_duck", "asked_ms": 1500.0, "granted_ms": 1500.0}));
    assert_eq!(plan["phases"][1], json!({"phase": "draining", "asked_ms": 8000.0, "granted_ms": 8000.0}));
    assert_eq!(plan["hooks"][2]["timeout_ms"], 4000.0, "{plan:#}");
    assert_eq!(plan["worst_case_ms"], 1500.0 + 8000.0 + 6000.0 + 1500.0);

    // Asked for more than the hooks and the flush leave of the total.
    let plan = as_json(plain().env("SHUTDOWN_DRAIN", "1m"));
    assert_eq!(plan["phases"][1], json!({"phase": "draining", "asked_ms": 60000.0, "granted_ms": 14500.0}));
    assert_eq!(plan["worst_case_ms"], 20000.0);
    shown(plain().envs([("SHUTDOWN_DRAIN", "1m"), ("GRACEFUL", "plan")]))
        .line("  draining            14.5s  (asked 1m)");
}

#[test]
fn a_cluster_gets_a_lame_duck() {
    for variable in ["KUBERNETES_SERVICE_HOST", "ECS_CONTAINER_METADATA_URI_V4", "NOMAD_ALLOC_ID"] {
        let plan = as_json(Service::fixture("plain").env(variable, "10.0.0.1").env("SHUTDOWN_TIMEOUT", "30"));
        assert_eq!(plan["phases"][0]["asked_ms"], 0.0, "the attribute says none: {plan:#}");
        let plan = as_json(Service::fixture("batch").env(variable, "10.0.0.1"));
        assert_eq!(plan["phases"][0]["asked_ms"], 5000.0, "nobody said anything: {plan:#}");
    }
}

#[test]
fn tasks_reload_hooks_and_signals() {
    let plan = as_json(Service::fixture("tasks"));
    let names: Vec<_> = plan["tasks"].as_array().into_iter().flatten().map(|task| task["name"].clone()).collect();
    assert_eq!(names, ["beat", "vital", "pump", "spare", "again", "lacking"], "in the order of their declaration");
    assert_eq!(plan["tasks"][0]["every_ms"], 10.0);
    assert_eq!(plan["tasks"][2]["every_ms"], Value::Null);
    assert_eq!(plan["phases"][2], json!({"phase": "stopping_tasks", "asked_ms": 1000.0, "granted_ms": 1000.0}));

    let plan = as_json(Service::fixture("reloads"));
    assert_eq!(plan["reloads"][0]["name"], "one");
    assert_eq!(plan["reloads"][0]["timeout_ms"], 100.0);
    assert_eq!(plan["signals"]["SIGHUP"], "reload");

    let exit = shown(Service::fixture("remapped").env("GRACEFUL", "plan"));
    exit.line("signals: SIGHUP shutdown, SIGINT ignore, SIGQUIT shutdown, SIGTERM shutdown, SIGUSR2 reload");
    exit.line("  read_again  tests/src/bin/remapped.rs:");
}
