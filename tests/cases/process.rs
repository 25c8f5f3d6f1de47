//! A service that takes too much is degraded: it says so, names what, and is ready all the while.

use std::fs;
use std::time::Instant;

use graceful_tests::{Answer, Http, Line, PATIENCE, Running, Service};
use serde_json::{Value, json};

use crate::http::connect;

fn monitored(variables: &[(&str, &str)]) -> Running {
    let service = Service::fixture("monitored").envs(variables.iter().copied()).start();
    service.wait_text("graceful: service ready");
    service
}

fn ask(service: &Running, path: &str) -> Answer {
    Http::connect(service.address_after("admin on http://")).expect("it listens").get(path)
}

fn health(service: &Running) -> Value {
    let answer = ask(service, "/health");
    answer.expect_status(200);
    serde_json::from_str(&answer.text()).expect("JSON")
}

/// Whoever asks only whether to send work, or whether to restart it, is told nothing else.
#[track_caller]
fn expect_ready(service: &Running) {
    ask(service, "/health/ready").expect(200, json!({"status": "ready"}).to_string());
    ask(service, "/health/live").expect(200, json!({"status": "alive"}).to_string());
}

#[track_caller]
fn expect_degraded(service: &Running, failing: &str) {
    let health = health(service);
    assert_eq!(health["status"], "degraded", "{health}");
    assert_eq!(health["message"], format!("checks are failing: {failing}"), "{health}");
    expect_ready(service);
}

#[track_caller]
fn expect_metric(service: &Running, line: &str) {
    let metrics = ask(service, "/metrics").text();
    assert!(metrics.lines().any(|known| known == line), "no {line} in {metrics}");
}

/// The number at the beginning of the error that a line tells.
fn figure(line: &Line) -> f64 {
    let number = line.text().split_once("error=\"").and_then(|(_, error)| error.split([' ', '%']).next());
    number.and_then(|number| number.parse().ok()).unwrap_or_else(|| panic!("no figure: {line:?}"))
}

#[test]
fn figures_are_those_of_the_system() {
    let began = Instant::now();
    let service = Service::fixture("monitored").under(["prlimit", "--nofile=500"]).start();
    let mut http = connect(&service);
    let mut usage = || -> Value { serde_json::from_str(&http.get("/usage").text()).expect("JSON") };
    let number = |usage: &Value, name: &str| usage[name].as_f64().unwrap_or_else(|| panic!("no {name}: {usage}"));
    let before = usage();
    assert_eq!(before["pid"], service.pid().as_raw());
    assert_eq!((&before["os"], &before["arch"]), (&json!("linux"), &json!(std::env::consts::ARCH)));
    let release = fs::read_to_string("/proc/sys/kernel/osrelease").expect("Linux tells");
    assert_eq!(before["kernel"], release.trim());
    assert_eq!(before["open_files_limit"], 500);
    let tasks = fs::read_dir(format!("/proc/{}/task", service.pid())).expect("it runs").count();
    // A thread more or less: some come when there is work.
    assert!((number(&before, "threads") - tasks as f64).abs() < 8.0, "{tasks}: {before}");
    // The wall clock may be set meanwhile, and is in whole seconds where the kernel tells when it was booted.
    let (uptime, age) = (number(&before, "uptime"), number(&before, "age"));
    assert!(uptime <= began.elapsed().as_secs_f64() + 0.1 && (uptime - age).abs() < 5.0, "{before}");

    let clients: Vec<_> = (0..100)
        .map(|_| {
            let mut client = connect(&service);
            client.get("/rest").expect_status(200);
            client
        })
        .collect();
    let mut http = connect(&service);
    http.get("/take").expect_status(200);
    let after: Value = serde_json::from_str(&http.get("/usage").text()).expect("JSON");
    assert_eq!(number(&after, "open_files") - number(&before, "open_files"), 101.0, "{before} {after}");
    let grown = number(&after, "resident_memory") - number(&before, "resident_memory");
    assert!((190e6..400e6).contains(&grown), "{before} {after}");
    assert!(number(&after, "virtual_memory") > number(&after, "resident_memory"), "{after}");
    // It has written to two hundred megabytes.
    assert!(number(&after, "cpu_time") > number(&before, "cpu_time"), "{before} {after}");
    drop(clients);
    service.stop().expect_code(0);
}

#[test]
fn memory_over_its_threshold_is_told_until_it_is_given_back() {
    let service = monitored(&[("MEMORY_THRESHOLD_MB", "150")]);
    service.wait_text("graceful: check passed name=process_memory kind=readiness");
    let before = health(&service);
    assert_eq!((&before["status"], &before["message"]), (&json!("ready"), &Value::Null));
    assert_eq!(
        before["checks"],
        json!([{"name": "process_memory", "kind": "readiness", "critical": false, "status": "passing"}])
    );
    let mut http = connect(&service);
    http.get("/take").expect_status(200);
    let failed = service.wait_text("graceful: warn: check failed name=process_memory kind=readiness");
    assert!(failed.text().ends_with("MB of memory are resident, the threshold is 150 MB\""), "{failed:?}");
    // It may have looked while the memory was still being filled.
    assert!((150.0..2000.0).contains(&figure(&failed)), "{failed:?}");
    expect_degraded(&service, "process_memory");
    expect_metric(&service, "graceful_check_passing{name=\"process_memory\",kind=\"readiness\"} 0");
    http.get("/give").expect_status(200);
    service.wait_text("graceful: check recovered name=process_memory kind=readiness after=");
    assert_eq!(health(&service)["status"], "ready");
    expect_metric(&service, "graceful_check_passing{name=\"process_memory\",kind=\"readiness\"} 1");
    service.stop().expect_code(0).expect_outcome("clean");
}

#[test]
fn processor_time_over_its_threshold_is_told_until_it_rests() {
    let service = monitored(&[("CPU_THRESHOLD_PERCENT", "25")]);
    service.wait_text("graceful: check passed name=process_cpu");
    let mut http = connect(&service);
    http.get("/burn").expect_status(200);
    let failed = service.wait_text("graceful: warn: check failed name=process_cpu kind=readiness");
    assert!(failed.text().contains("% of a core was used in the last "), "{failed:?}");
    assert!(failed.text().ends_with(" s, the threshold is 25%\""), "{failed:?}");
    assert!((25.0..10_000.0).contains(&figure(&failed)), "{failed:?}");
    expect_degraded(&service, "process_cpu");
    http.get("/rest").expect_status(200);
    service.wait_text("graceful: check recovered name=process_cpu");
    expect_ready(&service);
    service.stop().expect_code(0).expect_outcome("clean");
}

#[test]
fn everything_that_fails_is_named() {
    // The very first look at the memory counts at once, and one over its threshold from the start is told like any other.
    let service = monitored(&[("MEMORY_THRESHOLD_MB", "1"), ("CPU_THRESHOLD_PERCENT", "10")]);
    service.wait_text("check failed name=process_memory");
    connect(&service).get("/burn").expect_status(200);
    service.wait_text("check failed name=process_cpu");
    expect_degraded(&service, "process_memory, process_cpu");
    service.stop().expect_code(0).expect_outcome("clean");
}

#[test]
fn who_cannot_look_does_not_say_that_all_is_well() {
    // Every look opens a file, and clients take all descriptors.
    let service =
        Service::fixture("monitored").under(["prlimit", "--nofile=64"]).env("MEMORY_THRESHOLD_MB", "100000").start();
    service.wait_text("check passed name=process_memory");
    let mut admin = Http::connect(service.address_after("admin on http://")).expect("it listens");
    admin.get("/health/ready").expect_status(200);
    let clients: Vec<_> = (0..200).map(|_| connect(&service)).collect();
    service.wait_text("error=\"/proc/self/status cannot be read: Too many open files");
    admin.get("/health/ready").expect_status(200);
    drop(clients);
    service.wait_text("check recovered name=process_memory");
    service.stop().expect_code(0);
}

#[test]
fn without_a_threshold_or_switched_off_nothing_is_looked_at() {
    for variables in [
        &[][..],
        &[("PROCESS_MONITORING_ENABLED", "true"), ("MEMORY_THRESHOLD_MB", "")],
        &[("PROCESS_MONITORING_ENABLED", "Off"), ("MEMORY_THRESHOLD_MB", "1"), ("CPU_THRESHOLD_PERCENT", "1")],
        // Whatever says so, in code as well.
        &[("PROCESS_MONITORING_ENABLED", "0"), ("GF_MEMORY", "1")],
    ] {
        let service = monitored(variables);
        let health = health(&service);
        assert_eq!((&health["status"], &health["checks"]), (&json!("ready"), &json!([])), "{variables:?}");
        service.stop().expect_code(0).expect_outcome("clean");
    }
}

#[test]
fn what_is_said_in_code_wins() {
    let service = monitored(&[("MEMORY_THRESHOLD_MB", "1"), ("GF_MEMORY", "100000")]);
    service.wait_text("check passed name=process_memory");
    assert_eq!(health(&service)["status"], "ready");
    service.stop().expect_code(0).expect_outcome("clean");
}

#[test]
fn values_that_cannot_be_used_are_refused() {
    let memory = "write a number from 1 to 1073741824";
    let cpu = "write a number from 1 to 1000000";
    for (name, value, cure) in [
        ("MEMORY_THRESHOLD_MB", "0", memory),
        ("MEMORY_THRESHOLD_MB", "512MB", memory),
        ("MEMORY_THRESHOLD_MB", "-1", memory),
        ("CPU_THRESHOLD_PERCENT", "0.5", cpu),
        ("CPU_THRESHOLD_PERCENT", "90 %", cpu),
        ("PROCESS_MONITORING_ENABLED", "maybe", "write true or false"),
    ] {
        refused(&[(name, value)], &format!("environment variable {name}={value:?} cannot be used: {cure}"));
    }
    // A value that is not used is looked at as well.
    let other = [("PROCESS_MONITORING_ENABLED", "false"), ("MEMORY_THRESHOLD_MB", "much")];
    refused(&other, "environment variable MEMORY_THRESHOLD_MB=\"much\" cannot be used");
    refused(
        &[("GF_MEMORY", "0")],
        "check process_memory cannot be kept: its threshold is zero, which every process is over; write \
         memory_threshold_mb(512)",
    );
    refused(
        &[("CPU_THRESHOLD_PERCENT", "90"), ("GF_EVERY", "0")],
        "check process_cpu cannot be kept: its interval is zero; write every = \"5s\"",
    );
}

#[track_caller]
fn refused(variables: &[(&str, &str)], message: &str) {
    let exit = Service::fixture("monitored").envs(variables.iter().copied()).spawn().wait(PATIENCE);
    exit.expect_code(1);
    exit.line(message);
    assert!(!exit.has("listening on"), "{exit}");
}
