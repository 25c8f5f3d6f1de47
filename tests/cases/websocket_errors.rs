//! Handlers that fail or panic: their connection ends with 1011, and nothing else does.

use graceful_tests::ws::{Heard, close, text};

use crate::websocket::{expect_counts, open, websocket};

#[test]
fn handlers_that_fail() {
    let service = websocket().start();
    let mut other = open(&service, "/echo");
    for (nth, order) in ["panic", "error"].into_iter().enumerate() {
        let mut client = open(&service, &format!("/obey?name=obedient{nth}"));
        client.echo("well");
        client.send([text("before"), text(order), text("behind")].concat()).expect("it reads");
        client.expect_text("before");
        client.expect_closed(1011);
        service.wait_text(&format!("obedient{nth} closed 1011 by server"));
        other.echo("untouched");
    }
    other.close();
    let exit = service.stop();
    exit.expect_code(0).expect_outcome("clean");
    expect_counts(&exit, &[("opened", 3), ("errors", 2), ("told", 0), ("lost", 0)]);
    for nth in 0..2 {
        assert!(!exit.has(&format!("obedient{nth} got behind")), "nothing is handled after a failure: {exit}");
    }
    // Both are told to whoever reads the log.
    assert!(exit.stderr().iter().filter(|line| line.contains("as asked")).count() >= 2, "{exit}");
}

#[test]
fn the_first_callback_fails() {
    let service = websocket().start();
    for order in ["panic", "error"] {
        let mut client = open(&service, &format!("/obey?name={order}&opening={order}&greeting=hello"));
        client.expect_text("hello");
        client.expect_closed(1011);
        service.wait_text(&format!("{order} closed 1011 by server"));
    }
    let exit = service.stop();
    exit.expect_code(0);
    expect_counts(&exit, &[("opened", 2), ("errors", 2)]);
}

#[test]
fn the_last_callback_fails() {
    let service = websocket().start();
    for _ in 0..3 {
        open(&service, "/obey?name=last&closing=panic").close();
    }
    service.wait_count("last closed 1000 by peer", 3);
    open(&service, "/echo").echo("untouched");
    // One that is told good-bye panics there as well, and holds nothing up.
    let mut client = open(&service, "/obey?name=told&closing=panic");
    client.echo("x");
    service.signal(graceful_tests::Signal::SIGTERM);
    client.expect(&Heard::Close(1001, "the service is stopping".to_owned()));
    client.send(close(1001, "")).expect("it reads");
    client.expect_end();
    let exit = service.wait(graceful_tests::PATIENCE);
    exit.expect_code(0).expect_within(std::time::Duration::from_millis(200));
    expect_counts(&exit, &[("opened", 5)]);
    assert!(exit.has("told closed 1001 by server"), "{exit}");
}

/// The last callback of those that are cut is user code as well.
#[test]
fn the_last_callback_of_one_that_is_cut_fails() {
    let service = websocket().env("GF_CLOSE_TIMEOUT", "60000").env("SHUTDOWN_DRAIN", "500ms").start();
    let mut mute: Vec<_> = ["panic", "panic", "nothing"]
        .into_iter()
        .map(|closing| open(&service, &format!("/obey?name=mute&closing={closing}")))
        .collect();
    let mut other = open(&service, "/echo");
    for client in mute.iter_mut().chain([&mut other]) {
        client.echo("x");
    }
    service.signal(graceful_tests::Signal::SIGTERM);
    for client in &mut mute {
        client.expect_close(1001);
    }
    other.expect_closed(1001);
    let exit = service.wait(graceful_tests::PATIENCE);
    exit.expect_code(3)
        .expect_incomplete("3 connections were cut")
        .expect_within(std::time::Duration::from_millis(500));
    expect_counts(&exit, &[("opened", 4), ("told", 4), ("answered", 1), ("cut", 3), ("lost", 0)]);
}
