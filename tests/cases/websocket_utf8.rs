//! Text is UTF-8, and what is not ends the connection with 1007, at once: the cases 6 of the Autobahn test suite, and the
//! sequences of Markus Kuhn's stress test, in a table of our own.

use graceful_tests::ws::{BINARY, CONTINUATION, FIN, Heard, TEXT, fragmented, last, part, ping, text};

use crate::websocket::{check, open, ponged, said, table, websocket};

/// The Greek word for world, with a character of every length.
const VALID: [&str; 16] = [
    "",
    "Hello-\u{b5}@\u{df}\u{f6}\u{e4}\u{fc}\u{e0}\u{e1}-UTF-8!!",
    "\u{3ba}\u{1f79}\u{3c3}\u{3bc}\u{3b5}",
    "\u{0}",
    "\u{7f}",
    "\u{80}",
    "\u{7ff}",
    "\u{800}",
    "\u{d7ff}",
    "\u{e000}",
    "\u{fffd}",
    "\u{fffe}\u{ffff}",
    "\u{10000}",
    "\u{1f600}\u{1f680}",
    "\u{feff}with a mark",
    "\u{10ffff}",
];

/// Each is wrong from the byte with this index on.
const INVALID: &[(&[u8], usize)] = &[
    // A byte that goes on, with nothing before it.
    (b"\x80", 0),
    (b"\xbf", 0),
    (b"\x80\xbf\x80", 0),
    (b"a\x80b", 1),
    // A beginning with nothing behind it.
    (b"\xc2 ", 1),
    (b"\xdf ", 1),
    (b"\xe0 ", 1),
    (b"\xe1\x80 ", 2),
    (b"\xef\xbf ", 2),
    (b"\xf0\x90\x80 ", 3),
    (b"\xf4\x8f\xbf ", 3),
    (b"\xce\xba\xe1\xbd\xce", 4),
    // Bytes that are never there.
    (b"\xfe", 0),
    (b"\xff", 0),
    (b"\xfe\xfe\xff\xff", 0),
    (b"\xf8\x88\x80\x80\x80", 0),
    (b"\xfc\x84\x80\x80\x80\x80", 0),
    (b"\xf5\x80\x80\x80", 0),
    // Longer than it has to be.
    (b"\xc0\x80", 0),
    (b"\xc0\xaf", 0),
    (b"\xc1\xbf", 0),
    (b"\xe0\x80\x80", 1),
    (b"\xe0\x80\xaf", 1),
    (b"\xe0\x9f\xbf", 1),
    (b"\xf0\x80\x80\xaf", 1),
    (b"\xf0\x8f\xbf\xbf", 1),
    (b"\xf8\x80\x80\x80\xaf", 0),
    (b"\xfc\x80\x80\x80\x80\xaf", 0),
    // Halves of a pair, and pairs.
    (b"\xed\xa0\x80", 1),
    (b"\xed\xad\xbf", 1),
    (b"\xed\xae\x80", 1),
    (b"\xed\xaf\xbf", 1),
    (b"\xed\xb0\x80", 1),
    (b"\xed\xbe\x80", 1),
    (b"\xed\xbf\xbf", 1),
    (b"\xed\xa0\x80\xed\xb0\x80", 1),
    (b"\xed\xaf\xbf\xed\xbf\xbf", 1),
    // Beyond the last.
    (b"\xf4\x90\x80\x80", 1),
    (b"\xf7\xbf\xbf\xbf", 0),
    // Valid, then not.
    (b"\xce\xba\xe1\xbd\xb9\xcf\x83\xce\xbc\xce\xb5\xed\xa0\x80edited", 12),
    (b"\xce\xba\xe1\xbd\xb9\xcf\x83\xce\xbc\xce\xb5\xf4\x90\x80\x80\x80edited", 12),
];

#[test]
fn what_is_valid() {
    table(|service| {
        for valid in VALID {
            let bytes = valid.as_bytes();
            check(service, valid, &[text(valid)], &[said(valid)], 1000);
            if bytes.is_empty() {
                continue;
            }
            // Characters are torn apart.
            check(service, valid, &[fragmented(TEXT, bytes, 1)], &[said(valid)], 1000);
            for at in 1..bytes.len().min(8) {
                let frames = [part(TEXT, &bytes[..at]), ping("p"), part(CONTINUATION, ""), last(&bytes[at..])];
                check(service, valid, &frames, &[ponged("p"), said(valid)], 1000);
            }
        }
    });
}

#[test]
fn what_is_not() {
    table(|service| {
        for (bytes, _) in INVALID {
            let what = bytes.escape_ascii().to_string();
            check(service, &what, &[text(bytes)], &[], 1007);
            check(service, &what, &[text("before"), text(bytes), text("behind")], &[said("before")], 1007);
            check(service, &what, &[fragmented(TEXT, bytes, 1)], &[], 1007);
            check(service, &what, &[part(TEXT, bytes), last("")], &[], 1007);
            check(service, &what, &[part(TEXT, "before"), last(bytes)], &[], 1007);
        }
    });
}

/// A character that is not whole at the end of its message is none.
#[test]
fn what_is_not_complete() {
    table(|service| {
        for whole in VALID {
            for (at, _) in whole.char_indices() {
                let character = whole[at..].chars().next().map_or(0, char::len_utf8);
                for length in 1..character {
                    let cut = &whole.as_bytes()[..at + length];
                    let what = cut.escape_ascii().to_string();
                    check(service, &what, &[text(cut)], &[], 1007);
                    check(service, &what, &[part(TEXT, cut), last("")], &[], 1007);
                }
            }
        }
    });
}

/// Nobody waits for the end of a message that is wrong already.
#[test]
fn it_is_told_at_once() {
    let service = websocket().start();
    for (bytes, wrong) in INVALID {
        let what = bytes.escape_ascii();
        let said_so_far = &bytes[..=*wrong];
        // In the first of several frames, in a later one, and after a ping that was answered.
        let mut client = open(&service, "/echo");
        client.send(part(TEXT, said_so_far)).expect("it reads");
        assert!(matches!(client.hear(), Heard::Close(1007, _)), "{what}");
        let mut client = open(&service, "/echo");
        client.send([part(TEXT, &bytes[..*wrong]), ping("still well")].concat()).expect("it reads");
        client.expect(&ponged("still well"));
        client.send(part(CONTINUATION, &bytes[*wrong..=*wrong])).expect("it reads");
        assert!(matches!(client.hear(), Heard::Close(1007, _)), "{what}");
    }
    service.stop().expect_code(0);
}

/// The same within a frame whose end has not come.
#[test]
fn it_is_told_before_the_frame_is_complete() {
    let service = websocket().start();
    for (bytes, wrong) in INVALID {
        // A frame of a thousand bytes, of which these are the first.
        let mut whole = bytes[..=*wrong].to_vec();
        whole.resize(1000, b'.');
        let frame = text(&whole);
        let mut client = open(&service, "/echo");
        client.send(&frame[..8 + wrong + 1]).expect("it reads");
        let heard = client.hear();
        assert!(matches!(heard, Heard::Close(1007, _)), "{}: {heard:?}", bytes.escape_ascii());
    }
    service.stop().expect_code(0);
}

/// Bytes are bytes.
#[test]
fn binary_messages_may_hold_anything() {
    table(|service| {
        for (bytes, _) in INVALID {
            let what = bytes.escape_ascii().to_string();
            let heard = [Heard::Binary(bytes.to_vec())];
            check(service, &what, &[graceful_tests::ws::frame(FIN | BINARY, bytes)], &heard, 1000);
            check(service, &what, &[fragmented(BINARY, bytes, 1)], &heard, 1000);
        }
    });
}
