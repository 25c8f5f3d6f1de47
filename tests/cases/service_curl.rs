//! The reference service, as an operator with curl sees it from its start to its end.

use std::net::SocketAddr;
use std::process::Command;
use std::time::Instant;

use graceful_tests::PATIENCE;
use serde_json::{Value, json};

use crate::service::Shop;

/// curl's own exit code, and what it prints: the body, and the status behind it.
fn curl(address: SocketAddr, path: &str, args: &[&str]) -> (i32, String) {
    let mut command = Command::new("curl");
    command.args(["--silent", "--max-time", "60", "--noproxy", "*", "--write-out", " %{http_code}"]).args(args);
    let output = command.arg(format!("http://{address}{path}")).output().expect("tests/run installs curl");
    let text = String::from_utf8(output.stdout).expect("text");
    (output.status.code().expect("it is not killed"), text)
}

#[track_caller]
fn told(address: SocketAddr, path: &str, args: &[&str]) -> (String, Value) {
    let (code, text) = curl(address, path, args);
    assert_eq!(code, 0, "{path}: {text}");
    let (body, status) = text.rsplit_once(' ').expect("a status");
    (status.to_owned(), serde_json::from_str(body).unwrap_or(Value::Null))
}

#[test]
fn a_whole_life() {
    let shop = Shop::new().env("SHUTDOWN_LAME_DUCK", "2s");
    let service = shop.start();
    let (shop, admin) = (service.address(), service.address_after("admin on http://"));
    let order = ["--include", "--data", r#"{"item":"tea","quantity":2}"#];
    // It listens a moment before its database has passed its first check.
    let until = Instant::now() + PATIENCE;
    while told(admin, "/health/ready", &[]) != ("200".into(), json!({"status": "ready"})) {
        assert!(Instant::now() < until, "it does not become ready");
    }
    assert_eq!(told(admin, "/admin/status", &[]).1["phase"], "serving");
    assert!(curl(admin, "/metrics", &[]).1.contains("\ngraceful_ready 1\n"));

    let ask = ["--data", r#"{"reason":"maintenance"}"#, "--header", "content-type: application/json"];
    assert_eq!(told(admin, "/admin/shutdown", &ask).0, "202");
    let (status, body) = told(admin, "/health/ready", &[]);
    assert_eq!((status.as_str(), &body["status"]), ("503", &json!("shutting_down")));
    assert_eq!(told(admin, "/health/live", &[]), ("200".into(), json!({"status": "alive"})));
    assert!(curl(admin, "/metrics", &[]).1.contains("\ngraceful_ready 0\n"));
    assert_eq!(told(admin, "/admin/status", &[]).1["phase"], "lame_duck");
    // Balancers that have not looked yet still send orders.
    let (_, answer) = curl(shop, "/orders", &order);
    assert!(answer.starts_with("HTTP/1.1 201 ") && answer.contains("\r\nconnection: close\r\n"), "{answer}");

    let exit = service.wait(PATIENCE);
    exit.expect_code(0).expect_outcome("clean");
    assert!(exit.report()["reason"]["text"].as_str().unwrap_or_default().contains("maintenance"), "{exit}");
    // "Failed to connect to host."
    assert_eq!((curl(shop, "/orders", &order).0, curl(admin, "/health/live", &[]).0), (7, 7));
}
