//! Peers, handlers and settings that would keep the service from ending in time, or from telling everybody.

use std::io::Write as _;
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use graceful_tests::ws::{Heard, Origin, Ws, close, text};
use graceful_tests::{PATIENCE, SLACK, Service, Signal};

use crate::websocket::{count, expect_counts, open, opened, websocket};
use graceful_tests::crowd::{Crowd, Manners};

const SMALL: Origin = Origin { address: None, receive_buffer: Some(4096) };

/// Everybody is told, though what goes before the good-bye would take longer than there is time.
#[track_caller]
fn all_are_told_in_time(service: Service, second: Option<Duration>, limit: Duration) {
    let service = service.start();
    let crowd = Crowd::new().join(service.address(), "/echo", 50, Manners::Answers);
    service.signal(Signal::SIGTERM);
    if let Some(gap) = second {
        service.signal_after(gap, Signal::SIGTERM);
    }
    for seen in crowd.listen() {
        seen.expect_told();
    }
    let exit = service.wait(PATIENCE);
    exit.expect_code(0).expect_outcome("clean").expect_within(limit);
    expect_counts(&exit, &[("opened", 50), ("told", 50), ("answered", 50), ("cut", 0), ("lost", 0)]);
}

#[test]
fn a_notice_longer_than_the_drain() {
    let service = websocket().env("SHUTDOWN_DRAIN", "1500ms").env("GF_FAREWELL", "soon").env("GF_NOTICE", "60000");
    all_are_told_in_time(service, None, Duration::from_millis(1500));
}

#[test]
fn a_spread_longer_than_the_drain() {
    let service = websocket().env("SHUTDOWN_DRAIN", "1500ms").env("GF_SPREAD", "60000");
    all_are_told_in_time(service, None, Duration::from_millis(1500));
}

#[test]
fn a_second_signal_during_the_notice() {
    let service = websocket().env("GF_FAREWELL", "soon").env("GF_NOTICE", "15000");
    all_are_told_in_time(service, Some(Duration::from_millis(600)), Duration::from_millis(1000));
}

#[test]
fn a_second_signal_during_the_spread() {
    let service = websocket().env("GF_SPREAD", "15000");
    all_are_told_in_time(service, Some(Duration::from_millis(600)), Duration::from_millis(1000));
}

/// A handler of which nobody knew that it blocks holds up a loop, which is taken over; the good-bye comes after that.
#[test]
fn the_patience_begins_with_the_good_bye() {
    let service = websocket().env("GF_CLOSE_TIMEOUT", "500").start();
    let mut client = open(&service, "/work?ms=1500");
    client.send(text("one")).expect("it reads");
    service.wait_text("working");
    service.signal(Signal::SIGTERM);
    client.expect_text("one");
    client.expect_close(1001);
    // Not at once, and in time.
    thread::sleep(Duration::from_millis(100));
    client.send(close(1001, "")).expect("it reads");
    client.expect_end();
    let exit = service.wait(PATIENCE);
    exit.expect_code(0).expect_outcome("clean");
    expect_counts(&exit, &[("told", 1), ("answered", 1), ("cut", 0)]);
}

/// One that is busy at the signal hears the answer, then the farewell, then the good-bye.
#[test]
fn a_farewell_to_those_that_are_busy() {
    let service = websocket().env("GF_FAREWELL", "soon").env("GF_NOTICE", "200").start();
    let mut clients: Vec<Ws> = (0..10).map(|_| open(&service, "/work?ms=400")).collect();
    for client in &mut clients {
        client.send([text("one"), text("two")].concat()).expect("it reads");
    }
    service.wait_count("working", 10);
    service.signal(Signal::SIGTERM);
    for mut client in clients {
        let mut heard = Vec::new();
        loop {
            match client.hear() {
                Heard::Text(message) => heard.push(message),
                Heard::Close(1001, _) => break,
                other => panic!("{other:?}"),
            }
        }
        client.send(close(1001, "")).expect("it reads");
        client.expect_end();
        // Where the farewell is among them is a matter of time.
        heard.sort_unstable();
        assert_eq!(heard, ["one", "soon", "two"]);
    }
    let exit = service.wait(PATIENCE);
    exit.expect_code(0).expect_outcome("clean").expect_within(Duration::from_millis(1200));
    expect_counts(&exit, &[("told", 10), ("answered", 10), ("received", 20), ("sent", 30)]);
}

/// They never stop sending, so there is always something to be read before the good-bye.
#[test]
fn peers_that_never_stop_talking() {
    let service = websocket().env("GF_CLOSE_TIMEOUT", "800").start();
    let address = service.address();
    let (tell, talking) = mpsc::channel();
    let talkers: Vec<_> = (0..4)
        .map(|nth| {
            let tell = tell.clone();
            thread::spawn(move || {
                let mut client = Ws::open(address, "/echo");
                let mut sender = client.stream().try_clone().expect("a descriptor");
                let frames = text("on and on").repeat(100);
                // Until the connection is no more. The even ones answer.
                let talking = thread::spawn(move || while sender.write_all(&frames).is_ok() {});
                let code = loop {
                    match client.next() {
                        // Nobody listens any more when there were enough.
                        Ok(Heard::Text(_)) => drop(tell.send(nth)),
                        Ok(Heard::Close(code, _)) => break code,
                        other => panic!("{other:?}"),
                    }
                };
                if nth % 2 == 0 {
                    // It is in the middle of a frame, so this is a way to end.
                    client.stream().shutdown(std::net::Shutdown::Both).expect("it is open");
                }
                talking.join().expect("no panic");
                code
            })
        })
        .collect();
    // They are all under way.
    let mut silent: Vec<i32> = (0..4).collect();
    while !silent.is_empty() {
        let nth = talking.recv_timeout(PATIENCE).expect("they talk");
        silent.retain(|other| *other != nth);
    }
    service.signal(Signal::SIGTERM);
    for talker in talkers {
        assert_eq!(talker.join().expect("no panic"), 1001);
    }
    let exit = service.wait(PATIENCE);
    // A second to listen, then the patience with those that do not answer.
    exit.expect_code(3).expect_within(Duration::from_millis(1800));
    expect_counts(&exit, &[("opened", 4), ("told", 4), ("answered", 0), ("errors", 0)]);
    // Those that are gone are noticed when all that they have said is read, if there is the time.
    let (cut, lost) = (count(&exit, "cut"), count(&exit, "lost"));
    assert!(cut >= 2 && cut + lost == 4, "{exit}");
}

/// A handler waits for room at a peer that does not read. The peer has as long as any other that does not answer.
#[test]
fn a_send_that_blocks_ends_with_the_service() {
    let service =
        websocket().env("GF_OUTBOX", "65536").env("GF_OVERFLOW", "60000").env("GF_CLOSE_TIMEOUT", "1000").start();
    let mut deaf = Ws::open_from(SMALL, service.address(), "/flood?count=4000&bytes=4096&name=flood");
    deaf.send(text("go")).expect("it reads");
    service.wait_text("flood got go");
    let other = opened(&service, 1, "/echo").remove(0);
    service.signal(Signal::SIGTERM);
    other.expect_closed(1001);
    let exit = service.wait(PATIENCE);
    exit.expect_code(3).expect_within(Duration::from_millis(1000) + 2 * SLACK);
    drop(deaf);
}

/// Pongs for somebody who does not take them are not kept without end.
#[test]
fn pings_of_a_peer_that_does_not_read() {
    let service = websocket().env("GF_OUTBOX", "65536").start();
    let client = Ws::open_from(SMALL, service.address(), "/echo");
    let (stream, _) = client.into_stream();
    stream.set_write_timeout(Some(Duration::from_secs(1))).expect("a socket");
    let pings = graceful_tests::ws::ping([b'p'; 125]).repeat(100);
    let mut written = 0;
    while written < 32 << 20 && std::io::Write::write_all(&mut &stream, &pings).is_ok() {
        written += pings.len();
    }
    let status = std::fs::read_to_string(format!("/proc/{}/status", service.pid())).expect("it runs");
    let resident = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).expect("it is told");
    let resident: usize = resident.trim().trim_end_matches(" kB").parse().expect("a number");
    assert!(resident < 100 << 10, "{resident} kB after {written} bytes of pings");
    open(&service, "/echo").echo("the others are served");
}

/// One worker, and many handlers that block: each has its turn, also when the service stops.
#[test]
fn fewer_workers_than_handlers_that_block() {
    let service = websocket().env("GRACEFUL_WORKERS", "1").start();
    let mut clients: Vec<Ws> = (0..10).map(|_| open(&service, "/work?ms=30")).collect();
    for _ in 0..2 {
        for client in &mut clients {
            client.send([text("one"), text("two")].concat()).expect("it reads");
        }
        for client in &mut clients {
            client.expect_text("one");
            client.expect_text("two");
        }
    }
    for client in &mut clients {
        client.send([text("three"), text("four")].concat()).expect("it reads");
    }
    service.signal(Signal::SIGTERM);
    for mut client in clients {
        client.expect_text("three");
        client.expect_text("four");
        client.expect_closed(1001);
    }
    let exit = service.wait(PATIENCE);
    exit.expect_code(0).expect_outcome("clean");
    expect_counts(&exit, &[("opened", 10), ("told", 10), ("answered", 10), ("received", 60), ("sent", 60)]);
}

/// Whatever a connection waits for, nobody looks again and again whether it has come.
#[test]
fn waiting_costs_nothing() {
    let service = websocket().env("GF_PING_EVERY", "0").env("GF_WRITE_TIMEOUT", "60000").start();
    let address = service.address();
    let mut held = opened(&service, 20, "/echo");
    for nth in 0..10 {
        let mut client = open(&service, "/echo");
        // Within a header, within a frame, between fragments.
        let begun = [&text("never")[..3], &text("never complete")[..10], &graceful_tests::ws::part(1, "never")];
        client.send(begun[nth % 3]).expect("it reads");
        held.push(client);
        let mut client = open(&service, "/work?ms=600000");
        client.send(text("x")).expect("it reads");
        held.push(client);
        let mut client = open(&service, "/obey");
        client.send(text("close 4000 unanswered")).expect("it reads");
        client.expect_close(4000);
        held.push(client);
        let mut client = open(&service, "/echo");
        client.send(close(1000, "")).expect("it reads");
        client.expect_close(1000);
        held.push(client);
    }
    for _ in 0..5 {
        let mut client = Ws::open_from(SMALL, address, "/flood?count=1500&bytes=4096&outbox=100000000");
        client.send(text("go")).expect("it reads");
        held.push(client);
    }
    service.wait_count("flooded", 5);
    service.wait_count("working", 10);
    let (began, before) = (Instant::now(), ticks(&service));
    // Time in which nothing is to be done.
    thread::sleep(Duration::from_secs(2));
    let (used, passed) = (ticks(&service) - before, began.elapsed());
    assert!(used < 30, "{used} hundredths of a second in {passed:?}");
    drop(held);
}

/// The processor time of a service so far, in hundredths of a second.
fn ticks(service: &graceful_tests::Running) -> u64 {
    let stat = std::fs::read_to_string(format!("/proc/{}/stat", service.pid())).expect("it runs");
    let (_, rest) = stat.rsplit_once(") ").expect("a name in parentheses");
    let words: Vec<&str> = rest.split(' ').collect();
    [11, 12].into_iter().map(|at| words[at].parse::<u64>().expect("a number")).sum()
}
