//! What must hold for any bytes at all, as functions that panic where it does not: for the fuzzer and for the tests.

use std::io::{self, Read, Write};

use tungstenite::protocol::{Role, WebSocketConfig, WebSocketContext};

use super::decoder::{Decoder, Event, Limits, Violation};
use crate::fuzzing::arrivals;
use crate::websocket::close::CloseCode;
use crate::websocket::message::Message;

/// What a connection's bytes were taken for, up to a Close or a broken rule.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Heard {
    pub(super) events: Vec<Event>,
    pub(super) end: Result<(), Violation>,
}

/// Large enough for anything that a fuzzer makes.
const WIDE: Limits = Limits { frame: 1 << 20, message: 1 << 20 };

/// Small inputs run into them.
const TIGHT: Limits = Limits { frame: 24, message: 40 };

/// Reads `bytes` as those of a client: at once, in pieces of the lengths in `cuts`, and one by one.
///
/// # Panics
/// If these differ, if a limit was passed, or if `tungstenite` takes them for something else.
pub fn frames(bytes: &[u8], cuts: &[u8]) {
    for limits in [WIDE, TIGHT] {
        let whole = hear(bytes, bytes.len(), &[], &limits);
        for cuts in [cuts, &[1]] {
            assert_eq!(whole, hear(bytes, 0, cuts, &limits), "in pieces of {cuts:?}");
        }
        for event in &whole.events {
            if let Event::Message(message) = event {
                assert!(message.len() <= limits.message);
            }
        }
    }
    compare(&hear(bytes, bytes.len(), &[], &WIDE), &their_view(bytes));
}

/// Decodes as the session does: what was not used up is there again in front of what arrives.
pub(super) fn hear(bytes: &[u8], first: usize, cuts: &[u8], limits: &Limits) -> Heard {
    let mut decoder = Decoder::default();
    let mut events = Vec::new();
    let (mut buffer, mut arrived) = (Vec::new(), 0);
    for there in arrivals(bytes.len(), first, cuts) {
        buffer.extend_from_slice(&bytes[arrived..there]);
        arrived = there;
        let mut used = 0;
        loop {
            match decoder.decode(&mut buffer[used..], limits) {
                Ok((0, event)) => {
                    assert_eq!(event, None, "something came of nothing");
                    break;
                }
                Ok((length, event)) => {
                    used += length;
                    events.extend(event);
                    if let Some(Event::Close(_)) = events.last() {
                        return Heard { events, end: Ok(()) };
                    }
                }
                Err(violation) => return Heard { events, end: Err(violation) },
            }
        }
        buffer.drain(..used);
        assert!(buffer.len() < 14 + 125, "more is kept than a header or a control frame");
    }
    Heard { events, end: Ok(()) }
}

/// What has arrived, and then nothing more for now.
struct Arrived<'a>(&'a [u8]);

impl Read for Arrived<'_> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        if self.0.is_empty() { Err(io::ErrorKind::WouldBlock.into()) } else { self.0.read(into) }
    }
}

impl Write for Arrived<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// What `tungstenite` takes the bytes for; `Err` when it breaks off.
fn their_view(bytes: &[u8]) -> (Vec<Event>, Result<(), ()>) {
    use tungstenite::Message as Theirs;

    let config = WebSocketConfig::default()
        .read_buffer_size(512)
        .max_frame_size(Some(WIDE.frame))
        .max_message_size(Some(WIDE.message));
    let mut context = WebSocketContext::new(Role::Server, Some(config));
    let mut stream = Arrived(bytes);
    let mut events = Vec::new();
    loop {
        events.push(match context.read(&mut stream) {
            Ok(Theirs::Text(text)) => Event::Message(Message::Text(text.as_str().to_owned())),
            Ok(Theirs::Binary(bytes)) => Event::Message(Message::Binary(bytes)),
            Ok(Theirs::Ping(bytes)) => Event::Ping(bytes),
            Ok(Theirs::Pong(_)) => Event::Pong,
            Ok(Theirs::Close(frame)) => {
                let frame = frame.map(|frame| (CloseCode(frame.code.into()), frame.reason.as_str().to_owned()));
                events.push(Event::Close(frame));
                return (events, Ok(()));
            }
            Ok(Theirs::Frame(_)) => unreachable!("not when reading"),
            Err(tungstenite::Error::Io(error)) if error.kind() == io::ErrorKind::WouldBlock => {
                return (events, Ok(()));
            }
            Err(_) => return (events, Err(())),
        });
    }
}

fn compare(ours: &Heard, (theirs, end): &(Vec<Event>, Result<(), ()>)) {
    let Err(Violation { code, rule }) = ours.end else {
        // IANA lists 1014, and they do not know it.
        let unknown = matches!(ours.events.last(), Some(Event::Close(Some((CloseCode(1014), _)))));
        let known = ours.events.len() - usize::from(unknown);
        assert_eq!((&ours.events[..known], Ok(())), (&theirs[..known], *end));
        assert_eq!(ours.events.len(), theirs.len());
        return;
    };
    // They look at some things only when the frame is complete, and let others pass: lengths that are longer than they need
    // be, texts that can no longer become UTF-8, and codes that are not to be sent.
    if code == CloseCode::INVALID_DATA || rule.starts_with("length not") || rule.starts_with("Close with a code") {
        assert!(theirs.starts_with(&ours.events), "{ours:?} and {theirs:?}");
    } else {
        assert_eq!(&ours.events, theirs, "{rule}, and {end:?}");
    }
}
