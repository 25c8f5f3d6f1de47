//! The health check in every service: for images that have no shell and no curl.

use graceful_tests::{Exit, PATIENCE, Running, Service};

fn ready() -> (Running, String) {
    let service = Service::fixture("probes").start();
    let admin = service.address_after("admin on http://").to_string();
    let until = std::time::Instant::now() + PATIENCE;
    while check(&[&admin], &[]).code != Some(0) {
        assert!(std::time::Instant::now() < until, "{service}");
    }
    (service, admin)
}

/// The same binary, with nothing in its environment but this.
fn check(args: &[&str], env: &[&str]) -> Exit {
    let mut service = Service::fixture("probes");
    if !args.is_empty() {
        service = service.arg("--health-check").args(args.iter().copied());
    }
    let exit = service.under(["env", "-i"].iter().chain(env).copied()).spawn().wait(PATIENCE);
    // Its main has not run.
    assert!(!exit.has("listening on") && !exit.has("signals stay ignored"), "{exit}");
    exit
}

#[test]
fn by_argument_and_by_environment() {
    let (service, admin) = ready();
    let by_env = format!("ADMIN_ADDR={admin}");
    let everywhere = format!("ADMIN_ADDR=0.0.0.0:{}", admin.rsplit(':').next().expect("a port"));
    for exit in [
        check(&[&admin, "--timeout", "30"], &[]),
        check(&[&format!("http://{admin}/health/live")], &[]),
        check(&["--timeout=30"], &[&by_env]),
        check(&[], &["GRACEFUL=health", &by_env]),
        check(&[], &["GRACEFUL=health", &everywhere]),
    ] {
        exit.expect_code(0).line("answered 200");
        assert_eq!(exit.lines.len(), 1, "{exit}");
    }
    let exit = check(&[&admin, "--verbose"], &[]);
    exit.expect_code(0).line("GET /health/ready");
    service.stop().expect_code(0);
    for exit in [check(&[&admin], &[]), check(&[], &["GRACEFUL=health", &by_env])] {
        exit.expect_code(1).line("nobody listens at");
    }
    check(&[&admin, "--wait-shutdown", "30"], &[]).expect_code(0).line("gone: ");
}

#[test]
fn wrong_usage() {
    for (args, env, text) in [
        (&["--fast"][..], &[][..], "graceful: error: --fast is not known; --health-check --help explains"),
        (&["https://x/"], &[], "https is not supported"),
        (&[], &["GRACEFUL=health", "ADMIN_ADDR=x:0"], "ADMIN_ADDR: x:0: port 0"),
    ] {
        check(args, env).expect_code(2).line(text);
    }
    check(&["--help"], &[]).expect_code(0).line("Exit codes: 0 it is ready");
}

#[test]
fn only_the_first_argument_asks_for_it() {
    let service = Service::fixture("probes").args(["serve", "--health-check"]).start();
    service.stop().expect_code(0);
}
