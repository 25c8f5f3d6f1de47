//! How tests write requests and look at what becomes of them.

use super::{Batch, Head, HeadLimits, HeadParser, Reject, differential};

/// What a whole head comes to; and that it comes to the same in pieces.
pub(super) fn parse(bytes: &[u8]) -> Result<Head, Reject> {
    differential::request(bytes, &[3, 1, 7]);
    let (head, used) = begin(bytes, &HeadLimits::default())?.expect("it is complete");
    assert_eq!(used, bytes.len());
    Ok(head)
}

/// The head that `bytes` begin with.
pub(super) fn begin(bytes: &[u8], limits: &HeadLimits) -> Result<Option<(Head, usize)>, Reject> {
    go_on(&mut HeadParser::default(), bytes, limits)
}

/// The same with a parser that has seen the first of them.
pub(super) fn go_on(
    parser: &mut HeadParser,
    bytes: &[u8],
    limits: &HeadLimits,
) -> Result<Option<(Head, usize)>, Reject> {
    parser.parse(bytes, limits, &mut Batch::new(bytes))
}

pub(super) fn check(bytes: impl AsRef<[u8]>, expected: Result<(), Reject>) {
    let bytes = bytes.as_ref();
    assert_eq!(parse(bytes).map(drop), expected, "{}", bytes.escape_ascii());
}

/// A request with that request line.
pub(super) fn line(line: &str) -> String {
    format!("{line}\r\nHost: x\r\n\r\n")
}

/// A request with these headers.
pub(super) fn with(headers: &str) -> String {
    format!("POST / HTTP/1.1\r\nHost: x\r\n{headers}\r\n\r\n")
}

/// An HTTP/1.0 request with these headers.
pub(super) fn old(headers: &str) -> String {
    format!("POST / HTTP/1.0\r\n{headers}\r\n\r\n")
}
