//! The lame duck: not ready, still serving, and saying good-bye with every answer.

use std::time::{Duration, Instant};

use graceful_tests::{Http, PATIENCE, Running, Service, Signal, get};

use crate::examples::wait_until_refused;
use crate::http::{connect, http, idle};

const LAME_DUCK: Duration = Duration::from_millis(1500);

fn lame_duck() -> Service {
    http().env("SHUTDOWN_LAME_DUCK", "1500ms")
}

/// From here on answers know of it.
fn signal(service: &Running) {
    // It listens a moment before, and nobody has to look away from what was never ready.
    service.wait_text("service ready");
    service.signal(Signal::SIGTERM);
    service.wait_text("to=lame_duck");
}

#[test]
fn it_serves_and_says_that_it_closes() {
    let service = lame_duck().start();
    let mut before = connect(&service);
    before.get("/ready").expect(200, "ready\n");
    let mut unused = idle(&service, 3);
    signal(&service);
    let began = Instant::now();
    let answer = before.get("/ready");
    assert!(answer.expect_status(503).closes(), "{answer:?}");
    before.expect_end();
    // New connections are welcome; so is slow work.
    for path in ["/", "/work?ms=50"] {
        let mut new = connect(&service);
        let answer = new.get(path);
        assert!(answer.expect_status(200).closes(), "{answer:?}");
        new.expect_end();
    }
    // Of requests that are there already, all are answered: the last answer says so.
    let mut client = connect(&service);
    client.send(get("/").repeat(4)).expect("it reads");
    let closing: Vec<bool> =
        (0..4).map(|_| client.answer().expect("answered").expect(200, "hello\n").closes()).collect();
    assert_eq!(closing, [false, false, false, true]);
    client.expect_end();
    // Idle ones are left alone until the drain.
    for client in &mut unused {
        client.expect_end();
        assert!(began.elapsed() + Duration::from_millis(200) >= LAME_DUCK, "{:?}", began.elapsed());
    }
    let exit = service.wait(PATIENCE);
    exit.expect_code(0).expect_outcome("clean").expect_not_before(LAME_DUCK).expect_within(LAME_DUCK);
    exit.expect_served(7);
    assert_eq!(exit.connections("closed_idle"), 3, "{exit}");
}

#[test]
fn one_client_after_the_other_until_the_end() {
    let service = lame_duck().start();
    let address = service.address();
    signal(&service);
    let mut answered = 0;
    // Each is served or refused, and once one was refused, no other is served.
    while let Ok(mut client) = Http::connect(address) {
        client.get("/").expect(200, "hello\n");
        answered += 1;
    }
    wait_until_refused(address);
    let exit = service.wait(PATIENCE);
    exit.expect_code(0).expect_served(answered).expect_answered(answered);
    assert!(answered > 10, "{exit}");
}

#[test]
fn there_is_none_unless_it_is_asked_for() {
    let service = http().start();
    let exit = service.stop();
    exit.expect_code(0).expect_within(Duration::ZERO);
    // As in a cluster, where it is five seconds: another SIGTERM ends it early.
    let service = http().env("KUBERNETES_SERVICE_HOST", "10.0.0.1").start();
    signal(&service);
    connect(&service).get("/ready").expect_status(503);
    service.signal_after(Duration::from_millis(600), Signal::SIGTERM);
    let exit = service.wait(PATIENCE);
    exit.expect_code(0).expect_within(Duration::from_secs(1));
}
