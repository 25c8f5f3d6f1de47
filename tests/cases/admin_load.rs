//! The admin API answers whatever the service is at.

use graceful_tests::{Http, PATIENCE, Running, Service, Signal, post};
use serde_json::json;

use crate::admin::{Operated, admin};
use crate::service::Shop;

/// Asks for everything that an operator looks at, so many times.
#[track_caller]
fn look(operated: &Operated, times: usize) {
    for _ in 0..times {
        for path in ["/admin/status", "/admin/overview", "/admin/ready", "/admin/process", "/admin/metrics"] {
            let answer = operated.get(path);
            assert!(matches!(answer.status, 200 | 503), "{path}: {answer:?}");
        }
    }
}

fn wrk(url: &str) -> Running {
    Service::program("wrk", "wrk").args(["-t1", "-c64", "-d4s", "--timeout", "30s", url]).spawn()
}

#[test]
fn under_full_load_and_while_that_is_drained() {
    let shop = Shop::new();
    let operated = Operated::start(shop.service());
    Http::connect(operated.service.address())
        .and_then(|mut http| http.ask(post("/orders", r#"{"item":"tea","quantity":2}"#)))
        .expect("answered")
        .expect_status(201);
    let wrk = wrk(&format!("http://{}/orders/1", operated.service.address()));
    operated.wait("/admin/status", |status| status["requests"]["received"].as_u64() > Some(100));
    look(&operated, 20);
    assert!(operated.status()["connections"]["still_open"].as_u64() > Some(1));
    operated.post(r#"{"reason":"enough"}"#);
    let exit = operated.service.wait(PATIENCE);
    exit.expect_code(0).expect_outcome("clean");
    assert!(exit.report()["reason"]["text"].as_str().unwrap_or_default().ends_with("): enough"), "{exit}");
    drop(wrk);
}

#[test]
fn while_every_handler_is_stuck() {
    let operated = Operated::start(
        admin().env("GRACEFUL_WORKERS", "4").env("SHUTDOWN_DRAIN", "60s").env("SHUTDOWN_TIMEOUT", "80s"),
    );
    let stuck: Vec<Http> = (0..40)
        .map(|_| {
            let mut http = Http::connect(operated.service.address()).expect("it listens");
            http.send(graceful_tests::get("/stuck")).expect("it reads");
            http
        })
        .collect();
    operated.service.wait_count("stuck", 4);
    look(&operated, 20);
    operated.service.signal(Signal::SIGTERM);
    let status = operated.wait("/admin/status", |status| status["phase"] == "draining");
    assert_eq!((&status["ready"], &status["connections"]["still_open"]), (&json!(false), &json!(40)));
    look(&operated, 20);
    operated.ask("DELETE", "/admin/shutdown", &[], "").expect_status(202);
    operated.service.wait(PATIENCE).expect_code(124).expect_outcome("forced_by_request");
    drop(stuck);
}
