//! The server has troubles of its own while the service stops.

use std::time::Duration;

use graceful_tests::postgres::Postgres;
use graceful_tests::{Http, PATIENCE, Signal, get, post};

use crate::pool_load::{in_postgres, orders};
use crate::postgres::{begin, count, service, wait_asleep};

#[test]
fn killed_during_the_drain() {
    let mut server = Postgres::start();
    let service = service(&server).start();
    let mut client = begin(&service, "/query?item=tea&ms=60000");
    service.signal(Signal::SIGTERM);
    server.kill();
    client.answer().expect("an answer").expect_status(500);
    drop(client);
    let exit = service.wait(PATIENCE);
    exit.expect_code(0).expect_within(Duration::from_secs(2));
    exit.line("failed: ");
    assert_eq!(exit.hook("close_db")["outcome"], "completed", "{exit}");
    server.restart();
    assert_eq!(count(&server, "tea"), 0);
}

#[test]
fn frozen_during_the_drain() {
    let server = Postgres::start();
    let service = service(&server).start();
    let _client = begin(&service, "/query?item=tea&ms=60000");
    wait_asleep(&server);
    service.signal(Signal::SIGTERM);
    server.freeze();
    let exit = service.wait(PATIENCE);
    // It can neither be asked nor told, and the process ends in time all the same.
    exit.expect_code(3).expect_outcome("incomplete").expect_within(Duration::from_millis(3250));
    exit.expect_incomplete("postgres: 1 connection did not come back in time: thread gf-");
    // The kernel took the cancellation for the server.
    exit.expect_incomplete("cancelled in vain");
    exit.line("first closed");
    server.thaw();
    // The server cancels it after all, or finds that nobody is there any more.
    server.wait_no_connection_of("postgres");
    assert_eq!(count(&server, "tea"), 0);
}

#[test]
fn frozen_while_nobody_asks() {
    let server = Postgres::start();
    let service = service(&server).start();
    server.freeze();
    let exit = service.stop();
    exit.expect_code(0).expect_within(Duration::from_secs(1));
    exit.line("closed: 4 idle, 0 returned, 0 cancelled");
    server.thaw();
    server.wait_no_connection_of("postgres");
}

#[test]
fn who_hangs_in_the_test_of_a_connection_is_named() {
    let server = Postgres::start();
    let service = service(&server).start();
    server.freeze();
    let mut client = Http::connect(service.address()).expect("it listens");
    client.send(post("/orders", "tea")).expect("it reads");
    // There is no event for the moment in which it hangs.
    std::thread::sleep(Duration::from_millis(300));
    let exit = service.stop();
    exit.expect_code(3).expect_within(Duration::from_millis(3250));
    exit.expect_incomplete("still waiting for its connection");
}

#[test]
fn restarted_under_load_and_during_the_lame_duck() {
    let mut server = Postgres::start();
    let service = service(&server).env("SHUTDOWN_LAME_DUCK", "3").env("SHUTDOWN_DRAIN", "3").start();
    let mut later = None;
    let acknowledged = orders(&service, || {
        let mut client = Http::connect(service.address()).expect("it listens");
        client.ask(post("/orders", "before")).expect("an answer").expect_status(201);
        service.signal(Signal::SIGTERM);
        server.kill();
        server.restart();
        // Answers of a lame duck close their connections.
        let mut client = Http::connect(service.address()).expect("it still listens");
        later = client.ask(post("/orders", "after")).ok();
    });
    later.expect("an answer").expect_status(201);
    let exit = service.wait(PATIENCE);
    exit.expect_code(0).expect_within(Duration::from_secs(6));
    assert_eq!((count(&server, "before"), count(&server, "after")), (1, 1));
    let stored = in_postgres(&server);
    assert!(acknowledged.is_subset(&stored), "lost: {:?}", acknowledged.difference(&stored));
    server.wait_no_connection_of("postgres");
}

/// The server is killed and comes back while the service drains. Who tries again gets through, and who does not is told.
#[test]
fn restarted_during_the_drain() {
    const PATIENT: usize = 8;
    let mut server = Postgres::start();
    let service = service(&server).env("GF_SIZE", "12").env("SHUTDOWN_TIMEOUT", "60").env("SHUTDOWN_DRAIN", "45");
    let service = service.start();
    let mut client = Http::connect(service.address()).expect("it listens");
    client.send(get("/query?item=once&ms=60000")).expect("it reads");
    let patient: Vec<_> = (0..PATIENT)
        .map(|nth| {
            let mut client = Http::connect(service.address()).expect("it listens");
            client.send(get(&format!("/patient?item=patient{nth}&ms=1000"))).expect("it reads");
            client
        })
        .collect();
    service.wait_count("transaction began", PATIENT + 1);
    service.signal(Signal::SIGTERM);
    service.wait_text("to=draining");
    server.kill();
    service.wait_count("again after: ", PATIENT);
    server.restart();
    let refused = client.answer().expect("an answer").expect_status(500).text();
    assert!(refused.contains("terminating connection") || refused.contains("connection closed"), "{refused}");
    for mut client in patient {
        client.answer().expect("an answer").expect_status(201);
    }
    let exit = service.wait(PATIENCE);
    exit.expect_code(0).expect_outcome("clean").expect_within(Duration::from_secs(30));
    assert_eq!(count(&server, "once"), 0);
    for nth in 0..PATIENT {
        assert_eq!(count(&server, &format!("patient{nth}")), 1, "order {nth} of {exit}");
    }
    server.wait_no_connection_of("postgres");
}

/// It does not come back in time. Who tries again is told when the pool closes, and the process ends as it was planned.
#[test]
fn gone_for_the_rest_of_the_drain() {
    let mut server = Postgres::start();
    let service = service(&server).start();
    let _client = begin(&service, "/patient?item=tea&ms=500");
    service.signal(Signal::SIGTERM);
    service.wait_text("to=draining");
    server.kill();
    service.wait_text("again after: ");
    let exit = service.wait(PATIENCE);
    exit.expect_code(3).expect_within(Duration::from_millis(3250));
    exit.expect_incomplete("connections were cut");
    exit.line("failed: postgres: ");
    exit.line("first closed");
    server.restart();
    assert_eq!(count(&server, "tea"), 0);
}
