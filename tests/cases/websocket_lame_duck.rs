//! Between the signal and the good-bye: upgrades are refused, farewells go out, and the conversation goes on.

use std::time::{Duration, Instant};

use graceful_tests::ws::{Origin, Ws, close, upgrade};
use graceful_tests::{PATIENCE, SLACK, Signal, get};

use crate::examples::wait_until_refused;
use crate::websocket::{expect_counts, open, websocket};

/// A lame duck refuses upgrades and goes on with those that it has.
#[test]
fn while_it_is_a_lame_duck() {
    const LAME_DUCK: Duration = Duration::from_millis(1500);
    let service =
        websocket().env("SHUTDOWN_LAME_DUCK", "1500ms").env("GF_FAREWELL", "soon").env("GF_NOTICE", "100").start();
    let mut client = open(&service, "/echo");
    client.echo("before");
    let mut kept = Ws::connect(Origin::default(), service.address()).expect("it listens");
    kept.send(get("/")).expect("it reads");
    kept.answer().expect("answered").expect(200, "hello\n");
    let began = Instant::now();
    service.signal(Signal::SIGTERM);
    client.expect_text("soon");
    assert!(began.elapsed() < LAME_DUCK / 2, "{:?}", began.elapsed());
    // On a connection that was there, and on a new one.
    kept.send(upgrade("/echo", "")).expect("it reads");
    let mut new = Ws::connect(Origin::default(), service.address()).expect("it still listens");
    new.send(upgrade("/echo", "")).expect("it reads");
    for client in [&mut kept, &mut new] {
        let answer = client.answer().expect("answered");
        let after: u64 = answer.expect_status(503).header("retry-after").expect("a time").parse().expect("seconds");
        assert!(after <= 60 && answer.closes(), "{answer:?}");
        client.expect_end();
    }
    client.echo("meanwhile");
    assert!(began.elapsed() < LAME_DUCK, "{:?}", began.elapsed());
    // The notice is long over when the drain begins.
    client.expect_close(1001);
    let told = began.elapsed();
    assert!(told + Duration::from_millis(200) > LAME_DUCK && told < LAME_DUCK + SLACK, "{told:?}");
    client.send(close(1001, "")).expect("it reads");
    client.expect_end();
    wait_until_refused(service.address());
    let exit = service.wait(PATIENCE);
    exit.expect_code(0).expect_outcome("clean").expect_not_before(LAME_DUCK).expect_within(LAME_DUCK);
    expect_counts(&exit, &[("opened", 1), ("told", 1), ("answered", 1), ("received", 2), ("sent", 3)]);
}

/// The notice is time to say what is to be said.
#[test]
fn between_farewell_and_good_bye_it_goes_on() {
    let service = websocket().env("GF_FAREWELL", "soon").env("GF_NOTICE", "1000").start();
    let mut client = open(&service, "/echo");
    client.echo("before");
    let mut leaving = open(&service, "/echo");
    leaving.echo("before");
    let began = Instant::now();
    service.signal(Signal::SIGTERM);
    client.expect_text("soon");
    // Some leave when they are told to.
    leaving.expect_text("soon");
    leaving.close();
    while began.elapsed() < Duration::from_millis(500) {
        client.echo("meanwhile");
    }
    client.expect_closed(1001);
    let exit = service.wait(PATIENCE);
    exit.expect_code(0).expect_outcome("clean").expect_within(Duration::from_secs(1));
    expect_counts(&exit, &[("opened", 2), ("told", 1), ("answered", 1), ("cut", 0)]);
}

/// Nobody is there: nobody is waited for.
#[test]
fn without_connections_neither_notice_nor_spread_cost_anything() {
    let service = websocket().env("GF_FAREWELL", "soon").env("GF_NOTICE", "5000").env("GF_SPREAD", "5000").start();
    open(&service, "/echo").close();
    let exit = service.stop();
    exit.expect_code(0).expect_within(Duration::from_millis(200));
}
