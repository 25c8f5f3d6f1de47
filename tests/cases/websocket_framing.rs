//! Frames as RFC 6455 has them, and as it has not: the cases 1 to 5 of the Autobahn test suite in a table of our own.
//!
//! The suite itself needs Python 2 and a PyPy that no current distribution has, so it cannot be installed beside the tests. The
//! files `websocket_framing`, `websocket_utf8`, `websocket_close` and `websocket_limits` cover its cases 1 to 7, 9 and 10; 12
//! and 13 are about compression, which is not offered. Each row is sent at once, frame by frame, octet by octet and together
//! with the request.

use graceful_tests::ws::{
    BINARY, CLOSE, CONTINUATION, FIN, Heard, PING, PONG, TEXT, binary, close, fragmented, frame, last, part, ping,
    pong, text, unmasked,
};

use crate::websocket::{Row, check, expect_counts, ponged, said, table};

const SIZES: [usize; 11] = [0, 1, 124, 125, 126, 127, 128, 65534, 65535, 65536, 65537];

/// 1: what is sent comes back.
#[test]
fn messages_of_all_sizes() {
    let exit = table(|service| {
        for size in SIZES {
            let message = "*".repeat(size);
            check(service, &format!("text of {size}"), &[text(&message)], &[said(&message)], 1000);
            let message = vec![0xfe; size];
            check(service, &format!("binary of {size}"), &[binary(&message)], &[Heard::Binary(message)], 1000);
        }
        let frames: Vec<Vec<u8>> = (0..50).map(|nth| text(format!("message {nth}"))).collect();
        let heard: Vec<Heard> = (0..50).map(|nth| said(&format!("message {nth}"))).collect();
        check(service, "many", &frames, &heard, 1000);
    });
    let messages = (SIZES.len() as u64 * 2 + 50) * 4;
    expect_counts(&exit, &[("received", messages), ("sent", messages), ("errors", 0)]);
}

/// A length is no longer than it has to be (RFC 6455, section 5.2).
#[test]
fn lengths_in_a_wrong_form() {
    table(|service| {
        let masked = |kind: u8, length: &[u8], payload: &[u8]| [&[FIN | kind], length, &[0; 4], payload].concat();
        for kind in [TEXT, BINARY, PING, PONG] {
            for length in [&[0xfe, 0, 1][..], &[0xff, 0, 0, 0, 0, 0, 0, 0, 1]] {
                let what = format!("{} for 1 of kind {kind}", length.escape_ascii());
                check(service, &what, &[masked(kind, length, b"x")], &[], 1002);
            }
        }
        let long = vec![b'x'; 65535];
        check(service, "64 bits", &[masked(BINARY, &[0xff, 0, 0, 0, 0, 0, 0, 0xff, 0xff], &long)], &[], 1002);
        // The highest bit is none: whatever it is taken for is too long.
        check(service, "63 bits", &[masked(BINARY, &[0xff, 0x80, 0, 0, 0, 0, 0, 0, 1], b"x")], &[], 1009);
    });
}

/// 2: pings are answered with what they carry, pongs are not.
#[test]
fn pings_and_pongs() {
    table(|service| {
        for size in 0..=125 {
            let payload = vec![b'p'; size];
            check(service, &format!("ping of {size}"), &[ping(&payload)], &[ponged(payload)], 1000);
        }
        let bytes = [0x00, 0xff, 0xfe, 0xfd, 0xfc, 0xfb, 0x00, 0xff];
        check(service, "ping of bytes", &[ping(bytes)], &[ponged(bytes)], 1000);
        check(service, "ping of 126", &[ping([0xfe; 126])], &[], 1002);
        check(service, "ping of 65536", &[ping(vec![0xfe; 65536])], &[], 1002);
        check(service, "pong of 126", &[pong([0xfe; 126])], &[], 1002);
        check(service, "pong", &[pong("")], &[], 1000);
        check(service, "pong with a payload", &[pong("unsolicited")], &[], 1000);
        check(service, "pong, then ping", &[pong("unsolicited"), ping("ping")], &[ponged("ping")], 1000);
        let frames: Vec<Vec<u8>> = (0..10).map(|nth| ping(format!("payload-{nth}"))).collect();
        let heard: Vec<Heard> = (0..10).map(|nth| ponged(format!("payload-{nth}"))).collect();
        check(service, "ten pings", &frames, &heard, 1000);
    });
}

/// 3: no extension was agreed on, so nobody may use the bits that are kept for them.
#[test]
fn reserved_bits() {
    table(|service| {
        for bits in 1..8 {
            let bits = bits << 4;
            for (kind, payload) in [
                (TEXT, "hello".as_bytes()),
                (BINARY, b"hello"),
                (CONTINUATION, b"hello"),
                (PING, b""),
                (PONG, b"x"),
                (CLOSE, &[0x03, 0xe8]),
            ] {
                check(service, &format!("{bits:#x} on {kind}"), &[frame(FIN | bits | kind, payload)], &[], 1002);
            }
            let first = [text("hello"), frame(FIN | bits | TEXT, "hello"), ping("")];
            check(service, &format!("{bits:#x} behind a message"), &first, &[said("hello")], 1002);
            let within = [part(TEXT, "he"), frame(FIN | bits, "llo")];
            check(service, &format!("{bits:#x} within a message"), &within, &[], 1002);
        }
    });
}

/// 4: neither are there further kinds of frames.
#[test]
fn reserved_opcodes() {
    table(|service| {
        for opcode in (3..=7).chain(11..=15) {
            for payload in ["", "payload"] {
                let what = format!("opcode {opcode} with {payload:?}");
                check(service, &what, &[frame(FIN | opcode, payload)], &[], 1002);
                let behind = [text("hello"), frame(FIN | opcode, payload), ping("")];
                check(service, &format!("{what} behind a message"), &behind, &[said("hello")], 1002);
                let within = [part(TEXT, "he"), frame(FIN | opcode, payload), last("llo")];
                check(service, &format!("{what} within a message"), &within, &[], 1002);
                check(service, &format!("{what} without FIN"), &[frame(opcode, payload)], &[], 1002);
            }
        }
    });
}

/// 5: messages in several frames.
#[test]
fn fragments() {
    table(|service| {
        let rows: &[Row<'_>] = &[
            ("two", &[part(TEXT, "fragment1"), last("fragment2")], &[said("fragment1fragment2")]),
            ("two of bytes", &[part(BINARY, "a"), last("b")], &[Heard::Binary(b"ab".to_vec())]),
            ("the first is empty", &[part(TEXT, ""), last("b")], &[said("b")]),
            ("the last is empty", &[part(TEXT, "a"), last("")], &[said("a")]),
            ("all are empty", &[part(TEXT, ""), part(CONTINUATION, ""), last("")], &[said("")]),
            ("one is not", &[part(TEXT, ""), part(CONTINUATION, "middle"), last("")], &[said("middle")]),
            ("a ping within", &[part(TEXT, "a"), ping("p"), last("b")], &[ponged("p"), said("ab")]),
            ("a pong within", &[part(TEXT, "a"), pong("p"), last("b")], &[said("ab")]),
            (
                "pings between all",
                &[
                    part(TEXT, "1"),
                    part(CONTINUATION, "2"),
                    ping("first"),
                    part(CONTINUATION, "3"),
                    part(CONTINUATION, "4"),
                    ping("second"),
                    last("5"),
                ],
                &[ponged("first"), ponged("second"), said("12345")],
            ),
            (
                "two messages",
                &[part(TEXT, "a"), last("b"), part(BINARY, "c"), last("d")],
                &[said("ab"), Heard::Binary(b"cd".to_vec())],
            ),
            ("byte by byte", &[fragmented(TEXT, b"in many frames", 1)], &[said("in many frames")]),
        ];
        for (what, frames, heard) in rows {
            check(service, what, frames, heard, 1000);
        }
    });
}

#[test]
fn fragments_out_of_order() {
    table(|service| {
        let rows: &[Row<'_>] = &[
            ("a ping in two", &[frame(PING, "a"), last("b")], &[]),
            ("a pong in two", &[frame(PONG, "a"), last("b")], &[]),
            ("a close in two", &[frame(CLOSE, [0x03, 0xe8]), last("b")], &[]),
            ("a ping in two within", &[part(TEXT, "a"), frame(PING, "p"), last("b")], &[]),
            ("an end without a beginning", &[last("a")], &[]),
            ("an end without a beginning, then a message", &[last("a"), text("hello")], &[]),
            ("a middle without a beginning", &[part(CONTINUATION, "a")], &[]),
            ("a middle without a beginning, then a message", &[part(CONTINUATION, "a"), text("hello")], &[]),
            ("an empty end without a beginning", &[last("")], &[]),
            (
                "a message, then a middle",
                &[part(TEXT, "a"), last("b"), part(CONTINUATION, "c"), text("hello")],
                &[said("ab")],
            ),
            ("a message, then an end", &[text("a"), last("b")], &[said("a")]),
            ("text within text", &[part(TEXT, "a"), text("b")], &[]),
            ("a beginning within text", &[part(TEXT, "a"), part(TEXT, "b")], &[]),
            ("bytes within text", &[part(TEXT, "a"), binary("b")], &[]),
            ("text within bytes", &[part(BINARY, "a"), text("b"), last("c")], &[]),
            ("a beginning within bytes", &[part(BINARY, "a"), part(BINARY, "b"), last("c")], &[]),
            ("text within, behind a ping", &[part(TEXT, "a"), ping("p"), text("b")], &[ponged("p")]),
        ];
        for (what, frames, heard) in rows {
            check(service, what, frames, heard, 1002);
        }
    });
}

/// Section 5.1: a client that does not mask is not listened to.
#[test]
fn frames_without_a_mask() {
    table(|service| {
        for (what, bytes) in [
            ("text", unmasked(FIN | TEXT, "hello")),
            ("empty text", unmasked(FIN | TEXT, "")),
            ("binary", unmasked(FIN | BINARY, vec![0; 65536])),
            ("ping", unmasked(FIN | PING, "p")),
            ("pong", unmasked(FIN | PONG, "")),
            ("close", unmasked(FIN | CLOSE, [0x03, 0xe8])),
        ] {
            check(service, &format!("{what} unmasked"), &[bytes], &[], 1002);
        }
        check(service, "behind a message", &[text("a"), unmasked(FIN | TEXT, "b")], &[said("a")], 1002);
        check(service, "within a message", &[part(TEXT, "a"), unmasked(FIN, "b")], &[], 1002);
    });
}

/// Nothing behind what is wrong is looked at, and all before it is answered.
#[test]
fn nothing_is_done_after_a_failure() {
    let exit = table(|service| {
        let frames =
            [text("one"), ping("p"), text("two"), frame(FIN | 3, ""), text("three"), ping("q"), close(1000, "")];
        check(service, "in the middle", &frames, &[said("one"), ponged("p"), said("two")], 1002);
    });
    expect_counts(&exit, &[("opened", 4), ("received", 8), ("sent", 8), ("errors", 4)]);
}
