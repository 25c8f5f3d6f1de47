//! What must hold for any bytes at all, as functions that panic where it does not: for the fuzzer and for the tests.

use super::body::{EXTENSION_BYTES, SIZE_DIGITS, TRAILER_BYTES, TRAILER_COUNT};
use super::fields::{is_text, is_token};
use super::{Batch, BodyDecoder, Expectation, Framing, Head, HeadLimits, HeadParser, Persistence, Reject};
use crate::fuzzing::arrivals;

/// Limits that small inputs run into.
const TIGHT: HeadLimits = HeadLimits { request_line: 24, header_count: 3, head_bytes: 96 };

const NO_LIMITS: HeadLimits = HeadLimits { request_line: usize::MAX, header_count: usize::MAX, head_bytes: usize::MAX };

/// Reads `bytes` as those of a connection: at once, in pieces of the lengths in `cuts`, and one by one.
///
/// # Panics
/// If these differ, if a limit was passed, or if a head was taken that another reader could read differently.
pub fn request(bytes: &[u8], cuts: &[u8]) {
    for limits in [HeadLimits::default(), TIGHT] {
        let whole = events(bytes, bytes.len(), &limits, None);
        for cuts in [cuts, &[1]] {
            let pieces = events(bytes, 0, &limits, Some(cuts));
            assert_eq!(whole, pieces, "in pieces of {cuts:?}");
        }
    }
}

/// Reads `bytes` as a chunked body: at once, in pieces of the lengths in `cuts`, and one by one.
///
/// # Panics
/// If these differ, or differ from a decoder that is too simple to be wrong.
pub fn chunked(bytes: &[u8], cuts: &[u8]) {
    let whole = body(bytes, &[]);
    for cuts in [cuts, &[1]] {
        assert_eq!(whole, body(bytes, cuts), "in pieces of {cuts:?}");
    }
    assert_eq!(whole.ok().flatten(), simple(bytes));
}

/// What the bytes of a connection were taken for.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Event {
    Data(Vec<u8>),
    /// A body ended, and that many bytes of the connection are done with.
    End(usize),
    /// A head ended, and that many bytes of the connection are done with.
    Head(Seen, usize),
    Reject(Reject),
}

/// A head, comparable.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Seen {
    pub(super) line: String,
    pub(super) headers: Vec<(String, Vec<u8>)>,
    pub(super) framing: Framing,
    pub(super) persistence: Persistence,
    pub(super) expectation: Expectation,
}

impl Seen {
    fn new(head: &Head) -> Self {
        let value = |(name, value): (&http::HeaderName, &http::HeaderValue)| {
            (name.as_str().to_owned(), value.as_bytes().to_owned())
        };
        Self {
            line: format!("{} {} {:?}", head.method, head.uri, head.version),
            headers: head.headers.iter().map(value).collect(),
            framing: head.framing,
            persistence: head.persistence,
            expectation: head.expectation,
        }
    }

    /// The bytes that a client would send for it.
    pub(super) fn render(&self) -> Vec<u8> {
        let mut bytes = format!("{}\r\n", self.line).into_bytes();
        for (name, value) in &self.headers {
            bytes.extend_from_slice(name.as_bytes());
            bytes.extend_from_slice(b": ");
            bytes.extend_from_slice(value);
            bytes.extend_from_slice(b"\r\n");
        }
        bytes.extend_from_slice(b"\r\n");
        bytes
    }

    fn count(&self, name: &str) -> usize {
        self.headers.iter().filter(|(other, _)| other == name).count()
    }
}

/// Reads as the server does, with `first` bytes there at the beginning and the others arriving in pieces.
pub(super) fn events(bytes: &[u8], first: usize, limits: &HeadLimits, cuts: Option<&[u8]>) -> Vec<Event> {
    let mut reader = Reader { parser: HeadParser::default(), body: None, at: 0, events: Vec::new() };
    for arrived in arrivals(bytes.len(), first, cuts.unwrap_or_default()) {
        if !reader.read(&bytes[..arrived], limits) {
            break;
        }
    }
    reader.events
}

struct Reader {
    parser: HeadParser,
    body: Option<BodyDecoder>,
    at: usize,
    events: Vec<Event>,
}

impl Reader {
    /// Whether it goes on when more arrives.
    fn read(&mut self, arrived: &[u8], limits: &HeadLimits) -> bool {
        let mut batch = Batch::new(arrived);
        loop {
            let input = &arrived[self.at..];
            let step = match &mut self.body {
                None => match self.parser.parse(input, limits, &mut batch) {
                    Ok(None) => {
                        assert!(input.len() < limits.head_bytes, "a head of any length");
                        return true;
                    }
                    Ok(Some((head, used))) => {
                        let seen = Seen::new(&head);
                        inspect(&seen, &input[..used], limits);
                        self.at += used;
                        self.body = Some(BodyDecoder::new(head.framing));
                        Ok(Some(Event::Head(seen, self.at)))
                    }
                    Err(reject) => Err(reject),
                },
                Some(body) if body.is_done() => {
                    self.body = None;
                    Ok(Some(Event::End(self.at)))
                }
                Some(_) if input.is_empty() => return true,
                Some(body) => body.decode(input).map(|decoded| {
                    assert!(decoded.used > 0, "it makes no progress");
                    assert_eq!(decoded.data.end, decoded.used.max(decoded.data.start), "data is what it ends with");
                    self.at += decoded.used;
                    let data = &input[decoded.data];
                    match self.events.last_mut() {
                        _ if data.is_empty() => None,
                        Some(Event::Data(before)) => {
                            before.extend_from_slice(data);
                            None
                        }
                        _ => Some(Event::Data(data.to_owned())),
                    }
                }),
            };
            match step {
                Ok(event) => self.events.extend(event),
                Err(reject) => {
                    assert_ne!(reject, Reject::Ambiguous, "the two readers differ");
                    self.events.push(Event::Reject(reject));
                    return false;
                }
            }
        }
    }
}

/// What holds for every head that was taken.
fn inspect(seen: &Seen, bytes: &[u8], limits: &HeadLimits) {
    assert!(bytes.len() <= limits.head_bytes);
    let is_line_end = |at: usize| bytes[at] == b'\n' && at > 0 && bytes[at - 1] == b'\r';
    for (at, &byte) in bytes.iter().enumerate() {
        match byte {
            b'\r' => assert!(is_line_end(at + 1), "a bare CR at {at}"),
            b'\n' => assert!(is_line_end(at), "a bare LF at {at}"),
            _ => assert!(is_text(byte), "a control character at {at}"),
        }
    }
    let lines = bytes.split(|&byte| byte == b'\n').filter(|line| line.len() > 1).collect::<Vec<_>>();
    assert!(lines[0].len() - 1 <= limits.request_line);
    assert!(lines.len() - 1 <= limits.header_count);
    assert!(lines[1..].iter().all(|line| is_token(line[0])), "a folded line");

    let (lengths, codings, hosts) = (seen.count("content-length"), seen.count("transfer-encoding"), seen.count("host"));
    match seen.framing {
        Framing::Chunked => assert!(codings > 0 && lengths == 0),
        Framing::Length(length) => assert!(codings == 0 && lengths == 1 && length > 0),
        Framing::None => assert!(codings == 0 && lengths <= 1),
    }
    assert!(hosts == 1 || hosts == 0 && seen.line.ends_with("HTTP/1.0"));

    let rendered = seen.render();
    let again = HeadParser::default().parse(&rendered, &NO_LIMITS, &mut Batch::new(&rendered));
    let (again, _) = again.expect("it was valid").expect("it is complete");
    assert_eq!(*seen, Seen::new(&again), "read again");
}

/// The data of a chunked body and how many bytes it takes, or `None` where there is more to come.
pub(super) fn body(bytes: &[u8], cuts: &[u8]) -> Result<Option<(Vec<u8>, usize)>, Reject> {
    let mut decoder = BodyDecoder::new(Framing::Chunked);
    let (mut at, mut data) = (0, Vec::new());
    for arrived in arrivals(bytes.len(), 0, cuts) {
        while at < arrived && !decoder.is_done() {
            let decoded = decoder.decode(&bytes[at..arrived])?;
            assert!(decoded.used > 0, "it makes no progress");
            data.extend_from_slice(&bytes[at..][decoded.data]);
            at += decoded.used;
        }
    }
    Ok(decoder.is_done().then_some((data, at)))
}

/// The same, by splitting a body that is all there. It knows no reasons.
fn simple(bytes: &[u8]) -> Option<(Vec<u8>, usize)> {
    let (mut rest, mut data, mut extensions) = (bytes, Vec::new(), 0);
    loop {
        let line = take_line(&mut rest)?;
        let (size, extension) =
            line.split_at(line.iter().position(|byte| !byte.is_ascii_hexdigit()).unwrap_or(line.len()));
        let has_semicolon = extension.trim_ascii_start().starts_with(b";");
        extensions += extension.len();
        if size.len() > usize::from(SIZE_DIGITS)
            || !extension.is_empty() && !has_semicolon
            || extensions > EXTENSION_BYTES
        {
            return None;
        }
        let size = u64::from_str_radix(str::from_utf8(size).ok()?, 16).ok()?;
        if size == 0 {
            break;
        }
        let (chunk, behind) = rest.split_at_checked(usize::try_from(size).ok()?)?;
        data.extend_from_slice(chunk);
        rest = behind.strip_prefix(b"\r\n")?;
    }
    let trailers = rest;
    for count in 0.. {
        let line = take_line(&mut rest)?;
        if trailers.len() - rest.len() > TRAILER_BYTES {
            return None;
        }
        if line.is_empty() {
            break;
        }
        let name = &line[..line.iter().position(|&byte| byte == b':')?];
        if name.is_empty() || !name.iter().all(|&byte| is_token(byte)) || count == TRAILER_COUNT {
            return None;
        }
    }
    Some((data, bytes.len() - rest.len()))
}

/// The next line without its CRLF. It holds no control character but tabs.
fn take_line<'a>(rest: &mut &'a [u8]) -> Option<&'a [u8]> {
    let end = rest.iter().position(|&byte| byte == b'\n')?;
    let line = rest[..end].strip_suffix(b"\r")?;
    *rest = &rest[end + 1..];
    line.iter().all(|&byte| is_text(byte)).then_some(line)
}
