//! The reference service's admin address: ready while its database answers, and figures for Prometheus.

use std::time::Instant;

use graceful_tests::postgres::Postgres;
use graceful_tests::{Answer, Http, PATIENCE, Running, Signal, post};

use crate::service::Shop;
use crate::service_start::expect_failed;

fn ask(service: &Running, path: &str) -> Answer {
    Http::connect(service.address_after("admin on http://")).expect("it listens").get(path)
}

#[track_caller]
fn wait_ready(service: &Running, code: u16) -> Answer {
    let until = Instant::now() + PATIENCE;
    loop {
        let answer = ask(service, "/health/ready");
        if answer.status == code {
            return answer;
        }
        assert!(Instant::now() < until, "{answer:?} is not {code}");
    }
}

#[test]
fn ready_while_the_database_answers() {
    let postgres = Postgres::start();
    let shop = Shop::new().env("DATABASE_URL", postgres.url()).env("SHUTDOWN_TASKS", "1s");
    let service = shop.start();
    wait_ready(&service, 200);
    postgres.freeze();
    let answer = wait_ready(&service, 503);
    assert!(answer.text().contains("critical checks are failing: database"), "{answer:?}");
    // A restart would not mend it.
    ask(&service, "/health/live").expect_status(200);
    postgres.thaw();
    wait_ready(&service, 200);
    service.stop().expect_code(0);
}

#[test]
fn degraded_and_ready_while_it_takes_too_much() {
    let shop = Shop::new().env("MEMORY_THRESHOLD_MB", "1");
    let service = shop.start();
    service.wait_text("check failed name=process_memory");
    wait_ready(&service, 200).expect(200, r#"{"status":"ready"}"#);
    let health = ask(&service, "/health");
    health.expect_status(200);
    assert!(health.text().contains("checks are failing: process_memory"), "{health:?}");
    service.stop().expect_code(0).expect_outcome("clean");
    let exit = Shop::new().service().env("CPU_THRESHOLD_PERCENT", "90%").spawn().wait(PATIENCE);
    expect_failed(&exit, "CPU_THRESHOLD_PERCENT");
}

#[test]
fn figures() {
    let shop = Shop::new();
    let service = shop.start();
    let mut http = Http::connect(service.address()).expect("it listens");
    http.ask(post("/orders", r#"{"item":"tea","quantity":2}"#)).expect("answered").expect_status(201);
    let until = Instant::now() + PATIENCE;
    for line in [
        "graceful_requests_answered_total 1",
        "graceful_connections 1",
        "graceful_connections_by_state{state=\"idle\"} 1",
        "graceful_websocket_connections 0",
    ] {
        // The client has its answer a moment before it is counted.
        loop {
            let metrics = ask(&service, "/metrics").text();
            if metrics.lines().any(|known| known == line) {
                break;
            }
            assert!(Instant::now() < until, "no {line} in {metrics}");
        }
    }
    let admin = service.address_after("admin on http://");
    service.signal(Signal::SIGTERM);
    service.wait(PATIENCE).expect_code(0).expect_served(1);
    assert!(Http::connect(admin).is_err(), "it is gone with the process");

    // The next one tells what that shutdown came to.
    assert!(shop.data().join("metrics.prom").is_file());
    let service = shop.start();
    let metrics = ask(&service, "/metrics").text();
    for line in [
        "graceful_shutdown_success_total 1",
        "graceful_forced_shutdown_total 0",
        "graceful_shutdown_duration_seconds_count 1",
        "graceful_active_connections_at_shutdown 1",
        "graceful_hook_outcome{name=\"db\",outcome=\"completed\"} 1",
        "graceful_shutdown_errors_total{component=\"relay_orders\"} 0",
    ] {
        assert!(metrics.lines().any(|known| known == line), "no {line} in {metrics}");
    }
    service.stop().expect_code(0);
}
