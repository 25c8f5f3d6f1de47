//! What `send` has said yes to arrives before the good-bye, whoever sent it, and nothing comes behind it.

use std::thread;
use std::time::Duration;

use graceful_tests::ws::{Heard, Origin, Ws, close, text};
use graceful_tests::{PATIENCE, Signal};

use crate::websocket::{expect_counts, websocket};

/// A receive buffer that is soon full.
const SMALL: Origin = Origin { address: None, receive_buffer: Some(4096) };

/// The window of the peer is full at the signal, but it does read in the end: all that was accepted comes, then the good-bye.
#[test]
fn what_was_accepted_arrives_before_the_good_bye() {
    let service = websocket().start();
    let path = "/flood?count=2000&bytes=4096&outbox=100000000";
    let mut client = Ws::open_from(SMALL, service.address(), path);
    client.send(text("go")).expect("it reads");
    service.wait_text("flooded ok=2000");
    service.signal(Signal::SIGTERM);
    service.wait_text("to=draining");
    for nth in 0..2000 {
        match client.hear() {
            Heard::Text(message) => assert!(message.len() == 4096 && message.trim_end() == nth.to_string()),
            other => panic!("{nth}: {other:?}"),
        }
    }
    client.expect_closed(1001);
    let exit = service.wait(PATIENCE);
    exit.expect_code(0).expect_outcome("clean");
    expect_counts(&exit, &[("told", 1), ("answered", 1), ("sent", 2000), ("dropped", 0)]);
}

/// Threads of the service send without a pause. What `send` has said yes to arrives, and nothing comes behind the good-bye.
#[test]
fn senders_on_other_threads() {
    let service = websocket().env("GF_OUTBOX", "65536").env("GF_OVERFLOW", "60000").start();
    let address = service.address();
    let readers: Vec<_> = (0..10)
        .map(|_| {
            let mut client = Ws::open(address, "/feed");
            client.send(text("go")).expect("it reads");
            client.expect_text("0");
            thread::spawn(move || {
                for nth in 1.. {
                    match client.hear() {
                        Heard::Text(message) => assert_eq!(message, nth.to_string()),
                        Heard::Close(1001, _) => {
                            client.send(close(1001, "")).expect("it reads");
                            client.expect_end();
                            return nth;
                        }
                        other => panic!("{other:?}"),
                    }
                }
                unreachable!("it ends with the good-bye")
            })
        })
        .collect();
    service.signal(Signal::SIGTERM);
    let mut seen: Vec<u64> = readers.into_iter().map(|reader| reader.join().expect("no panic")).collect();
    let exit = service.wait(PATIENCE);
    exit.expect_code(0).expect_outcome("clean").expect_within(Duration::from_secs(1));
    let fed = exit.stdout().into_iter().filter_map(|line| line.strip_prefix("fed "));
    let mut fed: Vec<u64> = fed.map(|number| number.parse().expect("a number")).collect();
    fed.sort_unstable();
    seen.sort_unstable();
    // A thread that has been refused may not have had the time to say so.
    assert!(fed.iter().all(|number| seen.contains(number)) && !fed.is_empty(), "{fed:?} of {seen:?}: {exit}");
    expect_counts(&exit, &[("told", 10), ("answered", 10), ("sent", seen.iter().sum()), ("dropped", 0)]);
}

/// Broadcasts go on all the time, and the good-bye has its place among them.
#[test]
fn a_storm_of_broadcasts() {
    weather_a_storm("1");
}

#[test]
fn a_storm_over_several_loops() {
    weather_a_storm("3");
}

fn weather_a_storm(loops: &str) {
    let service = websocket().env("GF_STORM", "4").env("GRACEFUL_EVENT_LOOPS", loops).start();
    let address = service.address();
    let members: Vec<_> = (0..50)
        .map(|_| {
            let mut client = Ws::open(address, "/room/storm");
            assert!(matches!(client.hear(), Heard::Text(_)));
            thread::spawn(move || {
                let mut next = [None::<u64>; 4];
                loop {
                    match client.hear() {
                        Heard::Text(message) => {
                            let (storm, nth) = message.split_once(' ').expect("two numbers");
                            let nth: u64 = nth.parse().expect("a number");
                            let next = &mut next[storm.parse::<usize>().expect("a number")];
                            assert!(next.is_none_or(|next| next == nth), "{nth} is not {next:?}");
                            *next = Some(nth + 1);
                        }
                        Heard::Close(1001, _) => {
                            client.send(close(1001, "")).expect("it reads");
                            client.expect_end();
                            return;
                        }
                        other => panic!("{other:?}"),
                    }
                }
            })
        })
        .collect();
    service.signal(Signal::SIGTERM);
    for member in members {
        member.join().expect("no panic");
    }
    let exit = service.wait(PATIENCE);
    exit.expect_code(0).expect_outcome("clean").expect_within(Duration::from_secs(1));
    expect_counts(&exit, &[("opened", 50), ("told", 50), ("answered", 50), ("cut", 0), ("errors", 0)]);
}
