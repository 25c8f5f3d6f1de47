//! What holds for every message, and for every run of bytes that looks like one.

use proptest::prelude::*;

use super::differential::{self, Event, Seen, events};
use super::{Expectation, Framing, HeadLimits, Persistence};

/// A message, what it is to be taken for, and how long it is.
#[derive(Clone, Debug)]
struct Message {
    bytes: Vec<u8>,
    line: String,
    headers: Vec<(String, Vec<u8>)>,
    framing: Framing,
    data: Vec<u8>,
    head: usize,
}

#[derive(Clone, Debug)]
enum Content {
    Chunks(Vec<(Vec<u8>, String)>, Vec<(String, Vec<u8>)>),
    Nothing,
    Plain(Vec<u8>),
}

fn name() -> impl Strategy<Value = String> {
    prop_oneof![
        "X-[!#$%&'*+.^_`|~0-9a-zA-Z-]{0,20}",
        Just("Accept".to_owned()),
        Just("Cookie".to_owned()),
        Just("USER-AGENT".to_owned()),
    ]
}

/// Without spaces and tabs at its ends, as it is after reading.
fn value() -> impl Strategy<Value = Vec<u8>> {
    let inner = prop_oneof![Just(b'\t'), b' '..=b'~', 0x80..=0xff_u8];
    let byte = prop_oneof![b'!'..=b'~', 0x80..=0xff_u8];
    prop_oneof![
        Just(Vec::new()),
        byte.clone().prop_map(|byte| vec![byte]),
        (byte.clone(), prop::collection::vec(inner, 0..30), byte).prop_map(|(first, inner, last)| [
            vec![first],
            inner,
            vec![last]
        ]
        .concat()),
    ]
}

fn fields(most: usize) -> impl Strategy<Value = Vec<(String, Vec<u8>)>> {
    prop::collection::vec((name(), value()), 0..most)
}

fn content() -> impl Strategy<Value = Content> {
    let data = || prop::collection::vec(any::<u8>(), 1..40);
    let extension = "( ?;[ -~]{0,8})?";
    prop_oneof![
        Just(Content::Nothing),
        data().prop_map(Content::Plain),
        (prop::collection::vec((data(), extension), 0..5), fields(3))
            .prop_map(|(chunks, trailers)| Content::Chunks(chunks, trailers)),
    ]
}

fn write_fields(bytes: &mut Vec<u8>, fields: &[(String, Vec<u8>)], space: &str) {
    for (name, value) in fields {
        let parts: [&[u8]; 6] = [name.as_bytes(), b":", space.as_bytes(), value, space.as_bytes(), b"\r\n"];
        bytes.extend(parts.concat());
    }
    bytes.extend_from_slice(b"\r\n");
}

fn message() -> impl Strategy<Value = Message> {
    let line = ("[A-Z]{1,8}", "/[0-9A-Za-z/?:@!$&'()*+,;=._~%{}|-]{0,30}")
        .prop_filter("it is no proxy", |(method, _)| method != "CONNECT");
    let space = prop_oneof![Just(""), Just(" "), Just("\t \t")];
    (line, fields(6), space, content(), 0..3_usize).prop_map(
        |((method, target), fields, space, content, empty_lines)| {
            let line = format!("{method} {target} HTTP/1.1");
            let mut bytes = format!("{}{line}\r\n", "\r\n".repeat(empty_lines)).into_bytes();
            let mut headers = vec![("Host".to_owned(), b"x".to_vec())];
            headers.extend(fields);
            match &content {
                Content::Chunks(..) => headers.push(("Transfer-Encoding".to_owned(), b"Chunked".to_vec())),
                Content::Nothing => {}
                Content::Plain(data) => {
                    headers.push(("Content-Length".to_owned(), data.len().to_string().into_bytes()))
                }
            }
            write_fields(&mut bytes, &headers, space);
            let head = bytes.len();
            let (framing, data) = match content {
                Content::Chunks(chunks, trailers) => {
                    for (data, extension) in &chunks {
                        bytes.extend(format!("{:x}{extension}\r\n", data.len()).into_bytes());
                        bytes.extend_from_slice(data);
                        bytes.extend_from_slice(b"\r\n");
                    }
                    bytes.extend_from_slice(b"0\r\n");
                    write_fields(&mut bytes, &trailers, space);
                    (Framing::Chunked, chunks.into_iter().flat_map(|(data, _)| data).collect())
                }
                Content::Nothing => (Framing::None, Vec::new()),
                Content::Plain(data) => {
                    bytes.extend_from_slice(&data);
                    (Framing::Length(data.len() as u64), data)
                }
            };
            Message { bytes, line, headers, framing, data, head }
        },
    )
}

/// The events of messages that follow each other.
fn expected(messages: &[Message]) -> Vec<Event> {
    let mut at = 0;
    let mut events = Vec::new();
    for message in messages {
        let seen = Seen {
            line: message.line.clone(),
            headers: grouped(&message.headers),
            framing: message.framing,
            persistence: Persistence::KeepAlive,
            expectation: Expectation::None,
        };
        events.push(Event::Head(seen, at + message.head));
        if !message.data.is_empty() {
            events.push(Event::Data(message.data.clone()));
        }
        at += message.bytes.len();
        events.push(Event::End(at));
    }
    events
}

/// As a header map iterates: lower case, and equal names where the first of them is.
fn grouped(headers: &[(String, Vec<u8>)]) -> Vec<(String, Vec<u8>)> {
    let mut names = Vec::new();
    for (name, _) in headers {
        let name = name.to_lowercase();
        if !names.contains(&name) {
            names.push(name);
        }
    }
    let values = |name: &String| {
        let same = headers.iter().filter(|(other, _)| other.eq_ignore_ascii_case(name));
        same.map(|(_, value)| (name.clone(), value.clone())).collect::<Vec<_>>()
    };
    names.iter().flat_map(values).collect()
}

/// Bytes that a parser finds interesting.
fn piece() -> impl Strategy<Value = Vec<u8>> {
    let text = prop::sample::select(vec![
        "\r\n",
        "\r",
        "\n",
        " ",
        "\t",
        "\0",
        ":",
        ",",
        ";",
        "#",
        "*",
        "0",
        "f",
        "HTTP/1.0",
        "HTTP/1.1",
        "GET /",
        "Host: x\r\n",
        "Content-Length: 3\r\n",
        "Transfer-Encoding: chunked\r\n",
        "Expect: 100-continue\r\n",
        "Connection: close\r\n",
        "0\r\n\r\n",
        "3\r\nabc\r\n",
        "\r\n\r\n",
    ]);
    prop_oneof![text.prop_map(|text| text.as_bytes().to_vec()), prop::collection::vec(any::<u8>(), 1..4)]
}

proptest! {
    #[test]
    fn messages_are_what_was_sent(
        messages in prop::collection::vec(message(), 1..4),
        cuts in prop::collection::vec(1..50_u8, 1..8),
    ) {
        let bytes = messages.iter().flat_map(|message| message.bytes.clone()).collect::<Vec<_>>();
        prop_assert_eq!(events(&bytes, 0, &HeadLimits::default(), Some(&cuts)), expected(&messages));
        differential::request(&bytes, &cuts);
    }

    #[test]
    fn a_head_survives_the_round_trip(message in message()) {
        let sent = expected(std::slice::from_ref(&message));
        let Some(Event::Head(sent, _)) = sent.into_iter().next() else { panic!("a head comes first") };
        let bytes = sent.render();
        let read = events(&bytes, bytes.len(), &HeadLimits::default(), None);
        prop_assert_eq!(&read[0], &Event::Head(sent, bytes.len()));
    }

    #[test]
    fn damaged_messages_are_read_one_way(
        message in message(),
        damage in prop::collection::vec((any::<prop::sample::Index>(), 0..4_usize, piece()), 1..4),
        cuts in prop::collection::vec(1..50_u8, 1..8),
    ) {
        let mut bytes = message.bytes;
        for (at, removed, piece) in damage {
            let at = at.index(bytes.len() + 1);
            let end = bytes.len().min(at + removed);
            bytes.splice(at..end, piece);
        }
        differential::request(&bytes, &cuts);
        if let Some(body) = bytes.get(message.head..) {
            differential::chunked(body, &cuts);
        }
    }

    #[test]
    fn arbitrary_bytes_are_read_one_way(
        pieces in prop::collection::vec(piece(), 0..30),
        cuts in prop::collection::vec(1..50_u8, 1..8),
    ) {
        let bytes = pieces.concat();
        differential::request(&bytes, &cuts);
        differential::chunked(&bytes, &cuts);
    }
}
