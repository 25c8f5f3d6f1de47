//! Big messages, many messages, many fragments, and where they end: the cases 9 and 10 of the Autobahn test suite in a table of
//! our own, and the limits.

use std::time::{Duration, Instant};

use graceful_tests::ws::{BINARY, CONTINUATION, FIN, Heard, TEXT, binary, fragmented, last, part, ping, text};
use graceful_tests::{Running, Service};

use crate::websocket::{check, expect_counts, open, ponged, said, websocket};

const KIB: usize = 1024;
const MIB: usize = 1024 * KIB;

/// Takes in and holds what the cases are about.
fn large() -> Service {
    let limit = (17 * MIB).to_string();
    websocket().env("GF_PING_EVERY", "0").env("GF_MESSAGE_LIMIT", limit).env("GF_OUTBOX", (64 * MIB).to_string())
}

/// A text that is told from itself at another offset.
fn long(length: usize) -> String {
    let mut text: String = (0..=length / 8).map(|line| format!("{line:07}\n")).collect();
    text.truncate(length);
    text
}

/// Sends on a thread of its own, since a server need not take in more than it can send.
#[track_caller]
fn echoed(service: &Running, what: &str, frames: Vec<u8>, chop: usize, heard: &Heard) {
    use std::io::Write as _;
    let mut client = open(service, "/echo");
    let mut stream = client.stream().try_clone().expect("a descriptor");
    let writer = std::thread::spawn(move || frames.chunks(chop).try_for_each(|bytes| stream.write_all(bytes)));
    let answer = client.next().unwrap_or_else(|error| panic!("{what}: {error}"));
    // Not as `assert_eq`: nobody wants to see megabytes.
    assert!(answer == *heard, "{what}: {answer:?}");
    writer.join().expect("no panic").expect("all is read");
    client.close();
}

/// 9.1 and 9.2: in one frame.
#[test]
fn big_messages() {
    let service = large().start();
    for size in [64 * KIB, 256 * KIB, MIB, 4 * MIB, 8 * MIB, 16 * MIB] {
        let message = long(size);
        echoed(&service, &format!("text of {size}"), text(&message), usize::MAX, &said(&message));
        let bytes = message.into_bytes();
        echoed(&service, &format!("binary of {size}"), binary(&bytes), usize::MAX, &Heard::Binary(bytes));
    }
    let exit = service.stop();
    exit.expect_code(0);
    expect_counts(&exit, &[("opened", 12), ("received", 12), ("sent", 12), ("errors", 0)]);
}

/// 9.3 and 9.4: in fragments.
#[test]
fn big_messages_in_fragments() {
    let service = large().start();
    let message = long(4 * MIB);
    for size in [64, 256, KIB, 4 * KIB, 16 * KIB, 64 * KIB, 256 * KIB, MIB, 4 * MIB] {
        let frames = fragmented(TEXT, message.as_bytes(), size);
        echoed(&service, &format!("text by {size}"), frames, usize::MAX, &said(&message));
    }
    for size in [64, KIB, 64 * KIB] {
        let frames = fragmented(BINARY, message.as_bytes(), size);
        echoed(
            &service,
            &format!("binary by {size}"),
            frames,
            usize::MAX,
            &Heard::Binary(message.clone().into_bytes()),
        );
    }
    service.stop().expect_code(0);
}

/// 9.5 and 9.6: in small writes.
#[test]
fn big_messages_in_chops() {
    let service = large().start();
    let message = long(MIB);
    for size in [128, 256, 512, KIB, 2 * KIB] {
        echoed(&service, &format!("text in chops of {size}"), text(&message), size, &said(&message));
    }
    service.stop().expect_code(0);
}

/// 9.7 and 9.8: one after the other.
#[test]
fn a_thousand_messages_there_and_back() {
    let service = large().start();
    let mut client = open(&service, "/echo");
    for size in [0, 16, 64, 256, KIB, 4 * KIB, 16 * KIB] {
        let message = long(size);
        let (frame, heard) = (text(&message), said(&message));
        for _ in 0..1000 {
            client.send(&frame).expect("it reads");
            client.expect(&heard);
        }
    }
    client.close();
    let exit = service.stop();
    exit.expect_code(0);
    expect_counts(&exit, &[("received", 7000), ("sent", 7000)]);
}

/// 10: a message of 64 KiB in fragments of 1300 bytes, and of any other size.
#[test]
fn fragments_of_odd_sizes() {
    let service = large().start();
    let message = long(64 * KIB);
    for size in [1300, 1, 7, 125, 126, 127, 1021, 65535] {
        let frames = fragmented(TEXT, message.as_bytes(), size);
        echoed(&service, &format!("by {size}"), frames.clone(), usize::MAX, &said(&message));
        echoed(&service, &format!("by {size} in chops"), frames, 997, &said(&message));
    }
    // With a ping between all of them.
    let mut client = open(&service, "/echo");
    let pieces: Vec<&[u8]> = message.as_bytes().chunks(1300).collect();
    for (nth, piece) in pieces.iter().enumerate() {
        let opcode = if nth == 0 { TEXT } else { CONTINUATION };
        client.send([part(opcode, piece), ping(nth.to_string())].concat()).expect("it reads");
        client.expect(&ponged(nth.to_string()));
    }
    client.send(last("")).expect("it reads");
    client.expect(&said(&message));
    client.close();
    service.stop().expect_code(0);
}

#[test]
fn messages_beyond_the_limit() {
    let service = websocket().env("GF_MESSAGE_LIMIT", "1000").start();
    let (fits, beyond) = (long(1000), long(1001));
    for size in [1, 100, 999, 1000] {
        check(&service, "fits", &[fragmented(TEXT, fits.as_bytes(), size)], &[said(&fits)], 1000);
    }
    for size in [100, 1000, 1001] {
        let what = format!("beyond by {size}");
        check(&service, &what, &[fragmented(TEXT, beyond.as_bytes(), size)], &[], 1009);
        check(&service, &what, &[fragmented(BINARY, beyond.as_bytes(), size)], &[], 1009);
        let behind = [text("fits"), fragmented(TEXT, beyond.as_bytes(), size), text("never")];
        check(&service, &what, &behind, &[said("fits")], 1009);
    }
    let exit = service.stop();
    exit.expect_code(0);
    expect_counts(&exit, &[("errors", 3 * 3 * 4)]);
}

#[test]
fn frames_beyond_the_limit() {
    let service = websocket().env("GF_MESSAGE_LIMIT", "10000").env("GF_FRAME_LIMIT", "1000").start();
    let message = long(10_000);
    check(&service, "fits", &[fragmented(TEXT, message.as_bytes(), 1000)], &[said(&message)], 1000);
    check(&service, "beyond", &[fragmented(TEXT, message.as_bytes(), 1001)], &[], 1009);
    check(&service, "one frame", &[text(long(1001))], &[], 1009);
    service.stop().expect_code(0);
}

/// A length alone is enough to see that it is too much; memory is never had for it.
#[test]
fn lengths_are_refused_when_they_are_announced() {
    let service = websocket().start();
    for length in [1 << 20 | 1, 1 << 32, 1 << 62, (1_u64 << 63) - 1] {
        let mut client = open(&service, "/echo");
        let header = [&[FIN | BINARY, 0xff][..], &length.to_be_bytes(), &[1, 2, 3, 4]].concat();
        client.send(header).expect("it reads");
        client.expect_close(1009);
    }
    // What fits is waited for, and room for it is had as it comes.
    let before = resident(&service);
    let waiting: Vec<_> = (0..100)
        .map(|_| {
            let mut client = open(&service, "/echo?message_limit=100000000");
            client
                .send([&[FIN | BINARY, 0xff][..], &90_000_000_u64.to_be_bytes(), &[1, 2, 3, 4], b"x"].concat())
                .expect("it reads");
            client
        })
        .collect();
    open(&service, "/echo").echo("all have been read");
    let grown = resident(&service).saturating_sub(before);
    assert!(grown < 100 * MIB, "{grown} bytes for {} announcements", waiting.len());
}

fn resident(service: &Running) -> usize {
    let status = std::fs::read_to_string(format!("/proc/{}/status", service.pid())).expect("it runs");
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).expect("it is told");
    line.trim().trim_end_matches(" kB").parse::<usize>().expect("a number") * KIB
}

/// Who sends without reading is waited for, and not buffered without end.
#[test]
fn echoes_that_nobody_reads_are_bounded() {
    let service = websocket().env("GF_OUTBOX", (64 * KIB).to_string()).env("GF_OVERFLOW", "60000").start();
    let client = open(&service, "/echo");
    let (stream, _) = client.into_stream();
    stream.set_write_timeout(Some(Duration::from_secs(1))).expect("a socket");
    let frame = text(long(16 * KIB));
    let began = Instant::now();
    let mut written = 0_usize;
    // Until nothing is taken for a second: kernels hold some megabytes.
    while std::io::Write::write(&mut &stream, &frame).is_ok_and(|length| length > 0) {
        written += frame.len();
        assert!(began.elapsed() < graceful_tests::PATIENCE && written < 256 * MIB, "{written} bytes were taken");
    }
    // The others are served meanwhile.
    open(&service, "/echo").echo("hello");
    assert!(resident(&service) < 200 * MIB);
}
