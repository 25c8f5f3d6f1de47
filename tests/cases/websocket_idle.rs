//! The signal with thousands of open WebSockets: each is told good-bye before its connection ends.

use std::time::{Duration, Instant};

use graceful_tests::{PATIENCE, SLACK, Service, Signal};

use crate::websocket::{expect_counts, websocket};
use graceful_tests::crowd::{Crowd, Manners, raise_the_limit_on_files};

#[test]
fn ten_thousand_are_told() {
    const ALL: u64 = 10_000;
    raise_the_limit_on_files();
    let service = websocket().start();
    let crowd = Service::fixture("websocket_crowd").args([&service.address().to_string(), "/echo", &ALL.to_string()]);
    let crowd = crowd.start();
    service.signal(Signal::SIGTERM);
    let exit = service.wait(PATIENCE);
    crowd.wait(PATIENCE).expect_code(0).line("told 10000 of 10000 for the service is stopping");
    exit.expect_code(0).expect_outcome("clean").expect_within(Duration::from_secs(2));
    expect_counts(&exit, &[("opened", ALL), ("told", ALL), ("answered", ALL), ("cut", 0), ("lost", 0), ("errors", 0)]);
    exit.expect_served(ALL);
}

#[test]
fn good_byes_are_spread() {
    const ALL: usize = 1000;
    const SPREAD: Duration = Duration::from_secs(2);
    raise_the_limit_on_files();
    let service = websocket().env("GF_SPREAD", "2000").start();
    let crowd = Crowd::new().join(service.address(), "/echo", ALL, Manners::Answers);
    let began = Instant::now();
    service.signal(Signal::SIGTERM);
    let mut times: Vec<Duration> = crowd.listen().iter().map(|seen| seen.expect_told().told_at() - began).collect();
    times.sort_unstable();
    let (first, last) = (times[0], times[ALL - 1]);
    assert!(first < SPREAD / 2 && last < SPREAD + SLACK, "{first:?} to {last:?}");
    // In the middle half of the window there is about half of them.
    let middle = times.iter().filter(|time| (SPREAD / 4..SPREAD * 3 / 4).contains(time)).count();
    assert!(last - first > SPREAD / 2 && (ALL / 4..ALL * 3 / 4).contains(&middle), "{first:?} to {last:?}, {middle}");
    let exit = service.wait(PATIENCE);
    exit.expect_code(0).expect_within(SPREAD);
    expect_counts(&exit, &[("told", ALL as u64), ("answered", ALL as u64), ("cut", 0)]);
}

/// Most answer at once; those that do not cost the deadline, and no more.
#[test]
fn some_never_answer() {
    const TIMEOUT: Duration = Duration::from_millis(800);
    let service = websocket().env("GF_CLOSE_TIMEOUT", "800").start();
    let address = service.address();
    let crowd = Crowd::new().join(address, "/echo", 300, Manners::Answers).join(address, "/echo", 100, Manners::Mute);
    let began = Instant::now();
    service.signal(Signal::SIGTERM);
    for (nth, seen) in crowd.listen().iter().enumerate() {
        let (ended, _) = seen.end.expect("they all end");
        if nth < 300 {
            seen.expect_told();
            assert!(ended - began < TIMEOUT / 2 + SLACK, "{seen:?}");
        } else {
            // The mute are told, too, and before they are cut.
            assert!(matches!(seen.close, Some((_, 1001, _))) && seen.wrong == 0, "{seen:?}");
            assert!(ended - seen.told_at() > TIMEOUT / 2, "{seen:?}");
        }
    }
    let exit = service.wait(PATIENCE);
    exit.expect_code(3).expect_outcome("incomplete").expect_incomplete("100 connections were cut");
    exit.expect_not_before(TIMEOUT).expect_within(TIMEOUT);
    expect_counts(&exit, &[("opened", 400), ("told", 400), ("answered", 300), ("cut", 100), ("lost", 0)]);
    assert_eq!(exit.connections("cut"), 100, "{exit}");
}

/// The drain has a deadline of its own, which may be earlier.
#[test]
fn the_drain_ends_before_the_patience_with_the_mute() {
    let service = websocket().env("GF_CLOSE_TIMEOUT", "60000").env("SHUTDOWN_DRAIN", "1s").start();
    let crowd = Crowd::new().join(service.address(), "/echo", 20, Manners::Mute);
    service.signal(Signal::SIGTERM);
    for seen in crowd.listen() {
        assert!(matches!(seen.close, Some((_, 1001, _))), "{seen:?}");
    }
    let exit = service.wait(PATIENCE);
    exit.expect_code(3).expect_not_before(Duration::from_secs(1)).expect_within(Duration::from_secs(1));
    expect_counts(&exit, &[("told", 20), ("answered", 0), ("cut", 20)]);
}

/// A farewell reaches everybody, and the good-bye comes after the notice.
#[test]
fn the_farewell_goes_before() {
    const NOTICE: Duration = Duration::from_millis(700);
    let farewell = "{\"type\":\"ServerShutdown\"}";
    let service =
        websocket().env("GF_FAREWELL", farewell).env("GF_NOTICE", "700").env("GF_CLOSE_REASON", "bye").start();
    let crowd = Crowd::new().join(service.address(), "/echo", 200, Manners::Answers);
    let began = Instant::now();
    service.signal(Signal::SIGTERM);
    for seen in crowd.listen() {
        seen.expect_told();
        let [(told, text)] = &seen.texts[..] else { panic!("one farewell: {seen:?}") };
        assert_eq!(text, farewell);
        assert!(*told - began < NOTICE / 2 + SLACK, "{seen:?}");
        // A timer that fires late for one fires late for all: what counts is the distance.
        let (closed, _, reason) = seen.close.as_ref().expect("it was told");
        let notice = *closed - *told;
        assert!(notice > NOTICE * 3 / 4 && notice < NOTICE + SLACK && reason == "bye", "{notice:?} {seen:?}");
    }
    let exit = service.wait(PATIENCE);
    exit.expect_code(0).expect_not_before(NOTICE).expect_within(NOTICE);
    expect_counts(&exit, &[("told", 200), ("answered", 200), ("sent", 200), ("cut", 0)]);
}
