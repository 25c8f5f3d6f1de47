//! Switches, seen in what a service does.

use std::time::Duration;

use graceful_tests::redis::RedisServer;
use graceful_tests::{Http, PATIENCE, Service, Signal, get};
use tempfile::TempDir;

const NONE: Duration = Duration::ZERO;

#[test]
fn connections_are_not_waited_for() {
    for name in ["SHUTDOWN_WAIT_FOR_CONNECTIONS", "ENABLE_CONNECTION_DRAINING"] {
        let service = Service::fixture("http").env(name, "false").start();
        let mut idle = Http::connect(service.address()).expect("it listens");
        idle.get("/").expect(200, "hello\n");
        let mut busy = Http::connect(service.address()).expect("it listens");
        busy.send(get("/told?ms=60000")).expect("it reads");
        service.wait_text("working");
        service.signal(Signal::SIGTERM);
        busy.expect_end();
        let exit = service.wait(PATIENCE);
        // What was cut is counted, and no second of the 20 was waited.
        exit.expect_code(3).expect_incomplete("connections were cut").expect_within(NONE);
        assert!(exit.connections("cut") >= 1, "{exit}");
        assert_eq!(exit.phase("draining")["budget_ms"], 0.0, "{exit}");
    }
}

#[test]
fn a_drain_may_take_what_nobody_else_needs() {
    let service = || Service::fixture("plain").env("SHUTDOWN_DRAIN", "300ms").env("GF_TICKET", "1500");
    let exit = service().start().stop();
    exit.expect_code(3).expect_incomplete("ticket");
    let exit = service().env("SHUTDOWN_FORCE_AFTER_TIMEOUT", "false").start().stop();
    exit.expect_code(0).expect_outcome("clean").expect_not_before(Duration::from_millis(1500));
    assert_eq!(exit.phase("draining")["end"], "done", "{exit}");
    // The total holds all the same: 6 s of it are those of hooks and flush.
    let service =
        service().envs([("SHUTDOWN_TIMEOUT", "8"), ("SHUTDOWN_FORCE_AFTER_TIMEOUT", "no"), ("GF_TICKET", "forever")]);
    let exit = service.start().stop();
    exit.expect_code(3).expect_within(Duration::from_secs(2));
    assert_eq!(exit.phase("draining")["end"], "deadline", "{exit}");
}

#[test]
fn a_forced_end_before_the_total() {
    // Two seconds are left for the drain of the seven; of the ten it would have five.
    let variables = [("FORCE_SHUTDOWN_TIMEOUT_MS", "7000"), ("GF_TICKET", "forever"), ("SHUTDOWN_DRAIN", "10m")];
    let exit = Service::fixture("plain").envs(variables).start().stop();
    exit.expect_code(3).expect_within(Duration::from_secs(2));
    assert_eq!(exit.report()["timeout_ms"], 7000.0, "{exit}");
}

#[test]
fn checks_of_a_kind_are_off() {
    let folder = TempDir::new().expect("a directory");
    for name in ["database", "moving"] {
        std::fs::write(folder.path().join(name), "error").expect("written");
    }
    let service = || Service::fixture("checks").env("GF_FOLDER", folder.path());
    let exit = service().env("READINESS_CHECK_ENABLED", "false").start();
    exit.wait_text("is ready=true alive=false");
    let exit = exit.stop();
    assert!(!exit.has("database runs") && !exit.has("disk ran") && !exit.has("cache runs"), "{exit}");
    exit.line("graceful: checks are off kind=readiness");
    exit.line("graceful: check is off name=cache kind=readiness");

    let exit = service().env("LIVENESS_CHECK_ENABLED", "false").start();
    exit.wait_text("database is failing");
    let exit = exit.stop();
    assert!(!exit.has("moving runs") && !exit.has("alive=false"), "{exit}");

    let off = [("READINESS_CHECK_ENABLED", "0"), ("LIVENESS_CHECK_ENABLED", "0")];
    let exit = service().envs(off).env("GRACEFUL", "plan").spawn().wait(PATIENCE);
    exit.line("checks of liveness are off");
    exit.line("checks of readiness are off");
    assert!(!exit.has("database"), "{exit}");
    let exit = service().envs(off).env("GRACEFUL", "plan-json").spawn().wait(PATIENCE);
    let plan: serde_json::Value = serde_json::from_str(&exit.stdout().join("\n")).expect("JSON");
    assert_eq!(plan["checks_off"], serde_json::json!(["liveness", "readiness"]));
    assert_eq!(plan["checks"], serde_json::json!([]));
}

#[test]
fn checks_run_as_often_as_the_operator_wants() {
    let exit =
        Service::fixture("checks").env("HEALTH_CHECK_INTERVAL", "50").env("GRACEFUL", "plan").spawn().wait(PATIENCE);
    for name in ["database", "disk", "moving"] {
        // Those that may take longer than that have less time.
        assert!(exit.line(&format!("  {name} ")).contains("every 50ms, timeout 50ms"), "{exit}");
    }
    // Once an hour: after the first run there is no second, where it would come after 250 ms at most.
    let service = Service::fixture("checks").env("HEALTH_CHECK_INTERVAL", "3600000").start();
    service.wait_text("cache runs");
    std::thread::sleep(Duration::from_secs(1));
    let exit = service.stop();
    let runs = exit.stdout().iter().filter(|line| line.contains("runs: ")).count();
    assert_eq!(runs, 3, "{exit}");
}

#[test]
fn queries_are_waited_for_and_not_cancelled() {
    let directory = TempDir::new().expect("a directory");
    let service = Service::fixture("sqlite").env("GF_FILE", directory.path().join("orders.db"));
    let service = service.env("DB_FORCE_CLOSE", "false").start();
    let mut client = Http::connect(service.address()).expect("it listens");
    client.send(get("/query?item=tea")).expect("it reads");
    service.wait_text("transaction began");
    let exit = service.stop();
    exit.expect_code(3);
    assert!(!exit.has("failed: interrupted"), "{exit}");
    let detail = exit.hook("close_db")["detail"].as_str().unwrap_or_default().to_owned();
    assert!(detail.contains("sqlite.rs:"), "its holder is named: {detail}: {exit}");
}

#[test]
fn redis_without_a_farewell() {
    let server = RedisServer::start();
    let service =
        crate::redis::redis(server.url()).env("REDIS_GRACEFUL_CLOSE", "false").env("SHUTDOWN_REDIS_TIMEOUT", "8");
    let service = service.env("GF_PENDING", "10").env("GF_BLPOP", "1").start();
    service.wait_text("waiting");
    let exit = service.stop();
    // No wait for the one who waits for ever: it would have seven seconds.
    exit.expect_code(3).expect_within(NONE);
    exit.expect_incomplete("10 pending commands were not answered: REDIS_GRACEFUL_CLOSE is off");
    exit.expect_incomplete("cancelled BLPOP after ");
    let pending: Option<u64> =
        graceful::redis::redis::cmd("GET").arg("pending").query(&mut server.connect()).expect("it answers");
    assert_eq!(pending, None, "nothing was sent");
}
