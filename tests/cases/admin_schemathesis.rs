//! Schemathesis asks for everything in `/openapi.json`, well and badly, and compares the answers with what is written there.

use graceful_tests::{Exit, PATIENCE, Service, from_pypi};

use crate::admin::{Operated, admin};

const TOKEN: &str = "0123456789abcdef";

/// `examples`: how many requests of each kind are made up, beside those that try each limit.
fn check(operated: &Operated, examples: u32, more: &[&str]) -> Exit {
    let url = format!("http://{}/openapi.json", operated.address);
    let header = format!("authorization: Bearer {TOKEN}");
    let exit = Service::program("schemathesis", from_pypi("schemathesis", "st"))
        .args(["run", &url, "--header", &header, "--exclude-method", "DELETE", "--checks", "all", "--seed", "20261121"])
        .args(["--phases", "examples,coverage,fuzzing", "--max-examples", &examples.to_string(), "--no-color"])
        .args(more.iter().copied())
        .directory(operated.service.scratch())
        .env("NO_PROXY", "*")
        .spawn()
        .wait(PATIENCE * 3);
    exit.expect_code(0).line("No issues found");
    exit
}

#[test]
fn while_it_serves() {
    let operated = Operated::start(admin().env("ADMIN_TOKEN", TOKEN));
    check(&operated, 30, &["--exclude-method", "POST"]).line("Selected: 18/20");
    operated.service.stop().expect_code(0).expect_outcome("clean");
}

#[test]
fn while_it_stops_and_is_told_to_again_and_again() {
    let service = admin().env("ADMIN_TOKEN", TOKEN).env("SHUTDOWN_LAME_DUCK", "600s").env("SHUTDOWN_TIMEOUT", "700s");
    let operated = Operated::start(service);
    // Not ready is what it is to say.
    check(&operated, 100, &["--exclude-checks", "not_a_server_error"]).line("Selected: 19/20");
    let bearer = format!("Bearer {TOKEN}");
    let status = operated.ask("GET", "/admin/status", &[("authorization", &bearer)], "");
    assert!(status.text().contains("\"phase\":\"lame_duck\""), "{status:?}");
    operated.ask("DELETE", "/admin/shutdown", &[("authorization", &bearer)], "").expect_status(202);
    operated.service.wait(PATIENCE).expect_code(124);
}
