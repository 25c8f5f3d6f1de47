//! A peer that does not keep up: its outbox is bounded, and what happens then is chosen.

use std::time::{Duration, Instant};

use graceful_tests::ws::{Heard, Origin, Ws, close, text};
use graceful_tests::{Exit, Running, SLACK};

use crate::websocket::{count, expect_counts, open, websocket};

const SMALL: Origin = Origin { address: None, receive_buffer: Some(4096) };

/// What a flood came to.
#[derive(Debug)]
struct Flooded {
    ok: u64,
    full: u64,
    timed_out: u64,
    closed: u64,
    queued: u64,
}

fn flooded(line: &str) -> Flooded {
    let number = |name: &str| {
        let value = line.split(' ').find_map(|word| word.strip_prefix(name)).expect("it is told");
        value.parse().expect("a number")
    };
    Flooded {
        ok: number("ok="),
        full: number("full="),
        timed_out: number("timed_out="),
        closed: number("closed="),
        queued: number("queued="),
    }
}

/// A client that asks for a flood and does not read while it comes.
fn flood(service: &Running, path: &str) -> (Ws, Flooded) {
    let mut client = Ws::open_from(SMALL, service.address(), path);
    client.send(text("go")).expect("it reads");
    let line = service.wait_text("flooded");
    (client, flooded(line.text()))
}

/// The numbers of the messages until something else comes.
fn numbers(client: &mut Ws) -> (Vec<u64>, Heard) {
    let mut numbers = Vec::new();
    loop {
        match client.hear() {
            Heard::Text(message) => numbers.push(message.trim_end().parse().expect("a number")),
            other => return (numbers, other),
        }
    }
}

#[test]
fn the_connection_is_closed() {
    let service = websocket().env("GF_OUTBOX", "65536").env("GF_OVERFLOW", "close").start();
    let (mut client, seen) = flood(&service, "/flood?count=4000&bytes=4096&name=slow");
    assert!(seen.ok > 10 && seen.full + seen.closed > 0 && seen.timed_out == 0, "{seen:?}");
    assert_eq!(seen.ok + seen.full + seen.closed, 4000, "{seen:?}");
    // What was taken arrives, then the reason why there is no more.
    let (numbers, end) = numbers(&mut client);
    assert!(matches!(end, Heard::Close(1013, _)), "{end:?}");
    assert!(numbers.iter().copied().eq(0..seen.ok), "{} of {seen:?}", numbers.len());
    client.send(close(1013, "")).expect("it reads");
    client.expect_end();
    service.wait_text("slow closed 1013 by server");
    let exit = service.stop();
    exit.expect_code(0);
    expect_counts(&exit, &[("opened", 1), ("errors", 1), ("sent", seen.ok), ("told", 0)]);
}

/// It does not read at all: it is given up, in time.
#[test]
fn close_of_a_peer_that_never_reads() {
    let service =
        websocket().env("GF_OUTBOX", "65536").env("GF_CLOSE_TIMEOUT", "500").env("GF_WRITE_TIMEOUT", "60000").start();
    let began = Instant::now();
    let (client, seen) = flood(&service, "/flood?count=4000&bytes=4096&name=deaf");
    assert!(seen.ok < 4000, "{seen:?}");
    service.wait_text("deaf closed");
    assert!(began.elapsed() < Duration::from_millis(500) + 2 * SLACK, "{:?}", began.elapsed());
    drop(client);
    let exit = service.stop();
    exit.expect_code(0).expect_within(Duration::ZERO);
    expect_counts(&exit, &[("opened", 1), ("errors", 1)]);
}

#[test]
fn drop_and_count() {
    let service = websocket().env("GF_OUTBOX", "65536").env("GF_OVERFLOW", "drop").start();
    let (mut client, seen) = flood(&service, "/flood?count=4000&bytes=4096");
    assert!(seen.timed_out == 0 && seen.closed == 0, "{seen:?}");
    // The connection lives on: another flood comes behind it, and all of that has room once we read.
    client.send(close(1000, "")).expect("it reads");
    let (numbers, end) = numbers(&mut client);
    assert!(matches!(end, Heard::Close(1000, _)), "{end:?}");
    client.expect_end();
    assert!(numbers.is_sorted() && numbers.len() > 10 && numbers.len() < 4000, "{}", numbers.len());
    let exit = service.stop();
    exit.expect_code(0);
    let received = numbers.len() as u64;
    expect_counts(&exit, &[("sent", received), ("dropped", 4000 - received), ("errors", 0)]);
}

#[test]
fn block_until_there_is_room() {
    let service = websocket().env("GF_OUTBOX", "65536").env("GF_OVERFLOW", "60000").start();
    let mut client = Ws::open_from(SMALL, service.address(), "/flood?count=4000&bytes=4096");
    client.send(text("go")).expect("it reads");
    for nth in 0..4000 {
        match client.hear() {
            Heard::Text(message) => assert_eq!(message.trim_end(), nth.to_string()),
            other => panic!("{other:?}"),
        }
    }
    let seen = flooded(service.wait_text("flooded").text());
    assert_eq!((seen.ok, seen.full, seen.timed_out, seen.closed), (4000, 0, 0, 0), "{seen:?}");
    client.close();
    let exit = service.stop();
    exit.expect_code(0);
    expect_counts(&exit, &[("sent", 4000), ("dropped", 0), ("errors", 0)]);
}

#[test]
fn block_no_longer_than_it_may() {
    let service = websocket().env("GF_OUTBOX", "65536").env("GF_OVERFLOW", "300").start();
    let began = Instant::now();
    let (mut client, seen) = flood(&service, "/flood?count=14&bytes=1000000");
    assert!(seen.timed_out > 0 && seen.ok + seen.timed_out == 14 && seen.full + seen.closed == 0, "{seen:?}");
    let blocked = Duration::from_millis(300) * u32::try_from(seen.timed_out).expect("a few");
    assert!(began.elapsed() >= blocked && began.elapsed() < blocked + 2 * SLACK, "{:?} {seen:?}", began.elapsed());
    // Others are served while it blocks; what was taken arrives.
    client.send(close(1000, "")).expect("it reads");
    let (numbers, end) = numbers(&mut client);
    assert!(matches!(end, Heard::Close(1000, _)) && numbers.len() as u64 == seen.ok, "{numbers:?} {seen:?}");
    client.expect_end();
    let exit = service.stop();
    exit.expect_code(0);
    expect_counts(&exit, &[("sent", seen.ok)]);
}

/// A send that blocks does so on a worker: neither other connections nor the end have to wait for it.
#[test]
fn who_blocks_is_in_nobodys_way() {
    let service =
        websocket().env("GF_OUTBOX", "65536").env("GF_OVERFLOW", "60000").env("SHUTDOWN_DRAIN", "1500ms").start();
    let mut deaf: Vec<Ws> = (0..5)
        .map(|_| {
            let mut client = Ws::open_from(SMALL, service.address(), "/flood?count=4000&bytes=4096&name=flood");
            client.send(text("go")).expect("it reads");
            client
        })
        .collect();
    service.wait_count("flood got go", 5);
    let mut other = open(&service, "/echo");
    for nth in 0..200 {
        other.echo(&nth.to_string());
    }
    let exit = stopped_with_deaf(service, other);
    assert_eq!((count(&exit, "opened"), count(&exit, "answered"), exit.connections("cut")), (6, 1, 5), "{exit}");
    deaf.clear();
}

fn stopped_with_deaf(service: Running, other: Ws) -> Exit {
    service.signal(graceful_tests::Signal::SIGTERM);
    other.expect_closed(1001);
    let exit = service.wait(graceful_tests::PATIENCE);
    exit.expect_code(3).expect_within(Duration::from_millis(1500));
    exit
}

/// A peer that takes nothing for the write timeout is cut, though nobody has closed it.
#[test]
fn the_write_timeout() {
    let service = websocket().env("GF_OUTBOX", "100000000").env("GF_WRITE_TIMEOUT", "500").start();
    let began = Instant::now();
    let (client, seen) = flood(&service, "/flood?count=4000&bytes=4096&name=deaf");
    assert!(seen.ok == 4000 && seen.queued > 0, "{seen:?}");
    service.wait_text("deaf closed 1006 by nobody");
    let took = began.elapsed();
    assert!(took >= Duration::from_millis(500) && took < Duration::from_millis(500) + 3 * SLACK, "{took:?}");
    drop(client);
    service.stop().expect_code(0).expect_within(Duration::ZERO);
}

/// The handler sends more than the kernel holds, and works on for longer than the write timeout. The peer reads all the time.
#[test]
fn a_long_callback_is_not_held_against_the_peer() {
    let service = websocket().env("GF_OUTBOX", "100000000").env("GF_WRITE_TIMEOUT", "500").start();
    let mut client = open(&service, "/flood?count=4000&bytes=4096&ms=1500");
    client.send(text("go")).expect("it reads");
    for nth in 0..4000 {
        match client.next() {
            Ok(Heard::Text(message)) => assert_eq!(message.trim_end(), nth.to_string()),
            other => panic!("{nth}: {other:?}"),
        }
    }
    client.close();
    service.stop().expect_code(0);
}

/// A peer that is slow is not one that has gone.
#[test]
fn progress_keeps_a_slow_peer() {
    let service = websocket().env("GF_OUTBOX", "100000000").env("GF_WRITE_TIMEOUT", "1500").start();
    let mut client = open(&service, "/flood?count=6000&bytes=4096&name=slow");
    client.send(text("go")).expect("it reads");
    let began = Instant::now();
    // Longer than the timeout in all, and never as long in one go.
    for nth in 0..6000 {
        assert!(matches!(client.hear(), Heard::Text(_)), "{nth}");
        if nth % 600 == 0 {
            std::thread::sleep(Duration::from_millis(300));
        }
    }
    assert!(began.elapsed() > Duration::from_millis(2000));
    client.close();
    service.stop().expect_code(0);
}
