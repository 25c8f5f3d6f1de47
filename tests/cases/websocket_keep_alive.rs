//! Pings, peers that have gone without a word, and connections on which nothing is said.

use std::io::ErrorKind;
use std::thread;
use std::time::{Duration, Instant};

use graceful_tests::SLACK;
use graceful_tests::ws::{Heard, close, pong, text};

use crate::websocket::{expect_counts, open, websocket};

/// Timers are coarse.
const COARSE: Duration = Duration::from_millis(50);

#[test]
fn silent_peers_are_pinged() {
    const EVERY: Duration = Duration::from_millis(300);
    let service = websocket().env("GF_PING_EVERY", "300").start();
    let mut client = open(&service, "/echo");
    let mut last = Instant::now();
    for nth in 0..5 {
        let Heard::Ping(payload) = client.hear() else { panic!("ping {nth}") };
        let gap = last.elapsed();
        assert!(gap + COARSE >= EVERY && gap < EVERY + SLACK, "{nth}: {gap:?}");
        last = Instant::now();
        client.send(pong(payload)).expect("it reads");
    }
    client.close();
    let exit = service.stop();
    exit.expect_code(0);
    // Neither pings nor pongs are messages.
    expect_counts(&exit, &[("opened", 1), ("received", 0), ("sent", 0), ("errors", 0), ("lost", 0)]);
}

#[test]
fn a_peer_that_does_not_pong_is_given_up() {
    const TIMEOUT: Duration = Duration::from_millis(400);
    let service = websocket().env("GF_PING_EVERY", "200").env("GF_PONG_TIMEOUT", "400").start();
    let mut gone = open(&service, "/echo?name=gone");
    let mut here = open(&service, "/echo?name=here");
    assert!(matches!(gone.hear(), Heard::Ping(_)));
    let pinged = Instant::now();
    let helper = thread::spawn(move || {
        // Anything will do as a sign of life.
        while pinged.elapsed() < TIMEOUT * 3 {
            match here.hear() {
                Heard::Ping(_) => here.send(text("I am here")).expect("it reads"),
                Heard::Text(_) => {}
                other => panic!("{other:?}"),
            }
        }
        here
    });
    while let Ok(Heard::Ping(_) | Heard::Close(..)) = gone.next() {}
    let took = pinged.elapsed();
    assert!(took + COARSE >= TIMEOUT && took < TIMEOUT + SLACK, "{took:?}");
    service.wait_text("gone closed 1006 by nobody");
    let mut here = helper.join().expect("no panic");
    here.send(close(1000, "")).expect("it reads");
    while matches!(here.hear(), Heard::Ping(_) | Heard::Text(_)) {}
    here.expect_end();
    let exit = service.stop();
    exit.expect_code(0).expect_within(Duration::ZERO);
    expect_counts(&exit, &[("opened", 2), ("told", 0)]);
    assert!(exit.has("here closed 1000 by peer"), "{exit}");
}

/// Zero means none.
#[test]
fn there_may_be_no_pings() {
    let service = websocket().env("GF_PING_EVERY", "0").env("GF_PONG_TIMEOUT", "100").start();
    let mut client = open(&service, "/echo");
    client.stream().set_read_timeout(Some(Duration::from_millis(600))).expect("a socket");
    let error = client.next().expect_err("nothing comes");
    assert!(matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut), "{error:?}");
    client.echo("still there");
    client.close();
    service.stop().expect_code(0);
}

#[test]
fn nothing_is_said() {
    const TIMEOUT: Duration = Duration::from_millis(500);
    let service = websocket().env("GF_IDLE_TIMEOUT", "500").env("GF_PING_EVERY", "100").start();
    let began = Instant::now();
    let mut client = open(&service, "/echo?name=idle");
    // Pongs are no messages.
    let heard = loop {
        match client.hear() {
            Heard::Ping(payload) => client.send(pong(payload)).expect("it reads"),
            other => break other,
        }
    };
    let took = began.elapsed();
    assert!(matches!(&heard, Heard::Close(1000, reason) if reason.contains("idle")), "{heard:?}");
    assert!(took + COARSE >= TIMEOUT && took < TIMEOUT + SLACK, "{took:?}");
    client.send(close(1000, "")).expect("it reads");
    client.expect_end();
    service.wait_text("idle closed 1000 by server");
    let exit = service.stop();
    exit.expect_code(0);
    expect_counts(&exit, &[("opened", 1), ("told", 0), ("errors", 0), ("lost", 0)]);
}

#[test]
fn messages_keep_it_open() {
    let service = websocket().env("GF_IDLE_TIMEOUT", "800").start();
    let mut client = open(&service, "/echo");
    let began = Instant::now();
    while began.elapsed() < Duration::from_millis(2400) {
        // The pause is what is tested.
        thread::sleep(Duration::from_millis(200));
        client.echo("something");
    }
    client.close();
    service.stop().expect_code(0);
}

/// What HTTP does not tolerate is none of a WebSocket's business.
#[test]
fn the_timeouts_of_http_end_with_it() {
    let service = websocket().env("GF_HTTP_TIMEOUTS", "200").start();
    let mut client = open(&service, "/echo");
    client.echo("before");
    client.stream().set_read_timeout(Some(Duration::from_millis(1000))).expect("a socket");
    let error = client.next().expect_err("nothing comes");
    assert!(matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut), "{error:?}");
    client.echo("after");
    client.close();
    service.stop().expect_code(0);
}

/// A peer whose good-bye never comes, but whose connection ends.
#[test]
fn connections_that_end_without_a_good_bye() {
    let service = websocket().start();
    let mut clients = crate::websocket::opened(&service, 20, "/echo?name=lost");
    for client in &mut clients[..10] {
        client.finish_sending().expect("it is open");
        client.expect_end();
    }
    drop(clients);
    service.wait_count("lost closed 1006 by nobody", 20);
    let exit = service.stop();
    exit.expect_code(0);
    expect_counts(&exit, &[("opened", 20), ("lost", 20), ("told", 0), ("errors", 0)]);
}
