//! What the cases of WebSockets share: the fixture, the tables of frames, and the counts of a report.

use std::thread;
use std::time::Duration;

use graceful_tests::ws::{Heard, Origin, Ws, close, upgrade};
use graceful_tests::{Exit, Running, Service};

pub(crate) fn websocket() -> Service {
    Service::fixture("websocket")
}

pub(crate) fn open(service: &Running, path: &str) -> Ws {
    Ws::open(service.address(), path)
}

/// So many connections, each of which has had an answer: they are open on both sides.
pub(crate) fn opened(service: &Running, number: usize, path: &str) -> Vec<Ws> {
    (0..number)
        .map(|_| {
            let mut client = open(service, path);
            client.echo("hello");
            client
        })
        .collect()
}

/// One of the report's counts of WebSockets.
#[track_caller]
pub(crate) fn count(exit: &Exit, name: &str) -> u64 {
    let counts = &exit.report()["counters"]["websockets"];
    counts[name].as_u64().unwrap_or_else(|| panic!("no WebSockets are counted as {name}: {exit}"))
}

/// The counts of WebSockets are these, and they add up: what was opened was closed, and who was told goodbye has answered, or
/// is among those that were cut or lost.
#[track_caller]
pub(crate) fn expect_counts(exit: &Exit, expected: &[(&str, u64)]) {
    let seen: Vec<(&str, u64)> = expected.iter().map(|(name, _)| (*name, count(exit, name))).collect();
    assert_eq!(seen, expected, "the WebSockets of {exit}");
    assert_eq!(count(exit, "opened"), count(exit, "closed"), "opened and closed: {exit}");
    let (told, answered) = (count(exit, "told"), count(exit, "answered"));
    assert!(answered <= told && told <= answered + count(exit, "cut") + count(exit, "lost"), "the told: {exit}");
    // All connections of HTTP have a place as well.
    let all = ["completed", "closed_idle", "cut"].map(|name| exit.connections(name)).iter().sum::<u64>();
    assert_eq!(exit.connections("accepted"), all, "connections: {exit}");
}

/// How bytes are cut into writes.
#[derive(Clone, Copy, Debug)]
enum Cut {
    /// Everything at once.
    Whole,
    /// One frame after the other.
    Frames,
    /// So many bytes after the other.
    Chops(usize),
    /// In one write with the request for the upgrade.
    BehindTheRequest,
}

/// What is done, the frames, and what is heard.
pub(crate) type Row<'a> = (&'a str, &'a [Vec<u8>], &'a [Heard]);

/// `frames`, sent to `/echo` in several ways, are answered with `heard` and then a Close with this code; 1000 is asked for
/// behind the frames, 1005 stands for one without a code. In each case the connection ends in order.
#[track_caller]
pub(crate) fn check(service: &Running, what: &str, frames: &[Vec<u8>], heard: &[Heard], code: u16) {
    let mut frames = frames.to_vec();
    if code == 1000 {
        frames.push(close(1000, ""));
    }
    let length: usize = frames.iter().map(Vec::len).sum();
    let chop = if length <= 1000 { 1 } else { 997 };
    for cut in [Cut::Whole, Cut::Frames, Cut::Chops(chop), Cut::BehindTheRequest] {
        let row = format!("{what} ({cut:?})");
        let (mut client, behind) = match cut {
            Cut::BehindTheRequest => {
                let request = [upgrade("/echo", "").into_bytes(), frames.concat()].concat();
                let (client, answer) = Ws::ask(Origin::default(), service.address(), request).expect("upgraded");
                answer.expect_upgraded();
                (client, Vec::new())
            }
            _ => (open(service, "/echo"), frames.clone()),
        };
        // Beside the reading: a message may be longer than what the kernel holds.
        let writer = write_beside(&client, behind, cut);
        for expected in heard {
            assert_eq!(&client.next().unwrap_or_else(|error| panic!("{row}: {error}")), expected, "{row}");
        }
        let last = client.next().unwrap_or_else(|error| panic!("{row}: {error}"));
        assert!(matches!(&last, Heard::Close(said, _) if *said == code), "{row}: wanted Close {code}, got {last:?}");
        writer.join().expect("no panic");
        // Whoever fails a connection need not read on.
        let _ = client.send(close(1000, ""));
        assert_eq!(client.next().unwrap_or_else(|error| panic!("{row}: {error}")), Heard::End, "{row}");
    }
}

fn write_beside(client: &Ws, frames: Vec<Vec<u8>>, cut: Cut) -> thread::JoinHandle<()> {
    use std::io::Write as _;
    let mut stream = client.stream().try_clone().expect("a descriptor");
    thread::spawn(move || {
        let all = frames.concat();
        // A server that fails the connection may refuse the rest.
        let _ = match cut {
            Cut::Frames => frames.iter().try_for_each(|frame| stream.write_all(frame)),
            Cut::Chops(size) => all.chunks(size).try_for_each(|chop| stream.write_all(chop)),
            Cut::BehindTheRequest | Cut::Whole => stream.write_all(&all),
        };
    })
}

/// A table is checked by one service, which has to end well, without an open connection left.
pub(crate) fn table(rows: impl FnOnce(&Running)) -> Exit {
    let service = websocket().env("GF_PING_EVERY", "0").start();
    rows(&service);
    let exit = service.stop();
    exit.expect_code(0).expect_outcome("clean").expect_within(Duration::ZERO);
    expect_counts(&exit, &[("told", 0), ("cut", 0)]);
    exit
}

pub(crate) fn said(message: &str) -> Heard {
    Heard::Text(message.to_owned())
}

pub(crate) fn ponged(payload: impl Into<Vec<u8>>) -> Heard {
    Heard::Pong(payload.into())
}
