//! Probes: ready or not, alive to the end, on a listener of their own that closes last.

use std::net::SocketAddr;
use std::time::Duration;

use graceful_tests::prometheus::promtool;
use graceful_tests::{Answer, Http, PATIENCE, Running, Service, Signal, get};
use serde_json::{Value, json};

use crate::http::connect;

struct Probed {
    service: Running,
    admin: SocketAddr,
}

fn probes() -> Probed {
    probed(Service::fixture("probes"))
}

fn probed(service: Service) -> Probed {
    let service = service.start();
    let admin = service.address_after("admin on http://");
    let probed = Probed { service, admin };
    probed.wait_for(200, "ready");
    probed
}

impl Probed {
    fn ask(&self, path: &str) -> Answer {
        Http::connect(self.admin).expect("it listens").get(path)
    }

    /// Asks until that is the answer: checks have a schedule of their own.
    fn wait_for(&self, code: u16, status: &str) -> Value {
        let mut admin = Http::connect(self.admin).expect("it listens");
        let until = std::time::Instant::now() + PATIENCE;
        loop {
            let answer = admin.get("/health/ready");
            let body: Value = serde_json::from_str(&answer.text()).expect("JSON");
            if answer.status == code && body["status"] == status {
                return body;
            }
            assert!(std::time::Instant::now() < until, "{body} is not {code} {status}");
        }
    }
}

#[test]
fn every_path_answers_under_every_prefix() {
    let probed = probes();
    for (address, prefix) in [(probed.admin, ""), (probed.service.address(), "/shop")] {
        let mut http = Http::connect(address).expect("it listens");
        for (path, status) in [
            ("/health/live", "alive"),
            ("/livez", "alive"),
            ("/healthz", "alive"),
            ("/health/ready", "ready"),
            ("/readyz", "ready"),
            ("/health/startup", "started"),
            ("/startupz", "started"),
        ] {
            let answer = http.get(&format!("{prefix}{path}"));
            answer.expect(200, json!({"status": status}).to_string());
            assert_eq!(answer.header("cache-control"), Some("no-store"));
            assert_eq!(answer.header("content-type"), Some("application/json"));
        }
        let all: Value = serde_json::from_str(&http.get(&format!("{prefix}/health")).text()).expect("JSON");
        assert_eq!(all["phase"], "serving");
        assert_eq!(
            all["checks"],
            json!([{"name": "database", "kind": "readiness", "critical": true, "status": "passing"}])
        );
    }
    probed.ask("/elsewhere").expect_status(404);
    let answer = Http::connect(probed.admin)
        .expect("it listens")
        .ask("POST /livez HTTP/1.1\r\nhost: x\r\ncontent-length: 0\r\n\r\n");
    answer.expect("answered").expect_status(405);
    // The probes' connections are not the service's.
    probed.service.stop().expect_code(0).expect_outcome("clean").expect_served(1);
}

#[test]
fn a_critical_check_that_fails_is_named_and_its_error_is_not_shown() {
    let probed = probes();
    let mut http = connect(&probed.service);
    http.get("/break").expect_status(200);
    let body = probed.wait_for(503, "not_ready");
    assert_eq!(body["message"], "critical checks are failing: database");
    let all = probed.ask("/health");
    assert!(all.status == 503 && !all.text().contains("secret"), "{all:?}");
    // Whatever is outside of the process, a restart would not mend it.
    probed.ask("/health/live").expect_status(200);
    http.get("/mend").expect_status(200);
    probed.wait_for(200, "ready");
    probed.service.stop().expect_code(0);
}

#[test]
fn not_ready_from_the_signal_on_and_alive_to_the_end() {
    let probed = probed(Service::fixture("probes").env("SHUTDOWN_LAME_DUCK", "1s").env("GF_CLOSE", "sleep=1000"));
    let mut working = connect(&probed.service);
    working.send(get("/work?ms=1500")).expect("it reads");
    probed.service.wait_text("working");
    let mut admin = Http::connect(probed.admin).expect("it listens");
    probed.service.signal(Signal::SIGTERM);
    let body = probed.wait_for(503, "shutting_down");
    assert_eq!(body["message"], "the service is shutting down");
    // While it drains, and while its hook runs: on connections that are there and on new ones.
    for phase in ["to=draining", "to=cleaning_up"] {
        probed.service.wait_text(phase);
        admin.get("/health/live").expect_status(200);
        probed.ask("/livez").expect_status(200);
        probed.ask("/readyz").expect_status(503);
        probed.ask("/startupz").expect_status(200);
    }
    working.answer().expect("answered").expect(200, "done\n");
    probed.service.wait(PATIENCE).expect_code(0).expect_outcome("clean").expect_served(1);
}

#[test]
fn who_says_nothing_keeps_nobody_from_asking() {
    let probed = probes();
    let halves: Vec<Http> = (0..1000)
        .map(|_| {
            let mut half = Http::connect(probed.admin).expect("it listens");
            half.send("GET /livez HTTP/1.1\r\nHo").expect("it reads");
            half
        })
        .collect();
    for _ in 0..100 {
        probed.ask("/livez").expect_status(200);
    }
    // They do not hold the end up either.
    let exit = probed.service.stop();
    exit.expect_code(0).expect_outcome("clean").expect_within(Duration::from_secs(1));
    drop(halves);
}

#[test]
fn probes_are_quick_while_every_worker_is_busy() {
    let probed = probed(Service::fixture("probes").env("GRACEFUL_WORKERS", "4"));
    let mut busy: Vec<Http> = (0..40).map(|_| connect(&probed.service)).collect();
    for client in &mut busy {
        client.send(get("/work?ms=200")).expect("it reads");
    }
    probed.service.wait_text("working");
    for _ in 0..50 {
        probed.ask("/livez").expect_status(200);
        probed.ask("/readyz").expect_status(200);
    }
    for client in &mut busy {
        client.answer().expect("answered").expect(200, "done\n");
    }
    probed.service.stop().expect_code(0);
}

#[test]
fn metrics_that_promtool_accepts_and_that_are_true() {
    let probed = probes();
    let mut http = connect(&probed.service);
    // The first answer is counted by the time of the second, if not a moment later.
    http.get("/mend").expect_status(200);
    http.get("/mend").expect_status(200);
    let classic = probed.ask("/metrics");
    classic.expect_status(200);
    assert_eq!(classic.header("content-type"), Some("text/plain; version=0.0.4; charset=utf-8"));
    let text = classic.text();
    for line in [
        "graceful_ready 1",
        "graceful_phase{phase=\"serving\"} 1",
        "graceful_connections 1",
        "graceful_requests_received_total 2",
        "graceful_check_passing{name=\"database\",kind=\"readiness\"} 1",
        "# TYPE process_cpu_seconds_total counter",
    ] {
        assert!(text.lines().any(|known| known == line), "no {line} in {text}");
    }
    assert_eq!(promtool(&["check", "metrics"], &text), None);

    let mut admin = Http::connect(probed.admin).expect("it listens");
    let request = "GET /metrics HTTP/1.1\r\nhost: x\r\naccept: application/openmetrics-text; version=1.0.0\r\n\r\n";
    let open_metrics = admin.ask(request).expect("answered");
    assert!(open_metrics.text().ends_with("# EOF\n"), "{open_metrics:?}");
    probed.service.stop().expect_code(0);
}
