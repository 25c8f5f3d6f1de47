//! The careful reader of a head: byte by byte, it knows each rule by name and never looks at a byte twice.

use std::ops::Range;

use super::fields::{FieldLines, is_token};
use super::{HeadLimits, Reject};

/// How many empty lines may come before a request (RFC 9112 2.2: at least one should be ignored, old clients send them).
const EMPTY_LINES: u8 = 4;

/// `HTTP/1.1`.
const VERSION_LENGTH: u8 = 8;

/// How far a head has been read.
///
/// What it says is decided by the first byte that breaks a rule, so it does not depend on how the bytes were cut into reads.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Scan {
    /// The bytes that were read, from the first of the input on.
    at: usize,
    /// Where the request line begins.
    start: usize,
    part: Part,
    empty_lines: u8,
    fields: FieldLines,
}

/// What the next byte belongs to.
#[derive(Clone, Copy, Debug, Default)]
enum Part {
    #[default]
    Start,
    EmptyLineLf,
    Method,
    TargetStart,
    Target,
    /// How much of the version is there.
    Version(u8),
    LineCr,
    LineLf,
    Fields,
}

impl Scan {
    /// How many bytes were read.
    pub(super) fn position(&self) -> usize {
        self.at
    }

    /// Reads on in `input`, which is what it was at the last call and more. The answer is where the head is, once all of
    /// it is there; the empty lines before it are left out.
    pub(super) fn advance(&mut self, input: &[u8], limits: &HeadLimits) -> Result<Option<Range<usize>>, Reject> {
        // A limit is reached at a certain byte, like every other rule: what lies behind it is not looked at.
        let window = &input[..input.len().min(limits.head_bytes)];
        while !matches!(self.part, Part::Fields) {
            let Some(&byte) = window.get(self.at) else { break };
            self.part = self.step(byte, window, limits)?;
            self.at += 1;
        }
        if let Some(rest) = window.get(self.at..)
            && matches!(self.part, Part::Fields)
        {
            let (used, is_end) = self.fields.advance(rest, limits.header_count)?;
            self.at += used;
            if is_end {
                return Ok(Some(self.start..self.at));
            }
        }
        if self.at >= limits.head_bytes { Err(Reject::HeadTooLong) } else { Ok(None) }
    }

    /// The request line: `method SP request-target SP HTTP-version CRLF` (RFC 9112 section 3), exactly.
    fn step(&mut self, byte: u8, input: &[u8], limits: &HeadLimits) -> Result<Part, Reject> {
        let is_line = !matches!(self.part, Part::Start | Part::EmptyLineLf | Part::LineCr | Part::LineLf);
        if is_line && self.at - self.start >= limits.request_line {
            return Err(Reject::RequestLineTooLong);
        }
        match self.part {
            Part::Start => match byte {
                b'\r' if self.empty_lines == EMPTY_LINES => Err(Reject::EmptyLines),
                b'\r' => Ok(Part::EmptyLineLf),
                b'\n' => Err(Reject::BareLf),
                // Nothing but a method begins here: a TLS client is told at its first byte.
                _ if !is_token(byte) => Err(Reject::Method),
                _ => {
                    self.start = self.at;
                    if limits.request_line == 0 { Err(Reject::RequestLineTooLong) } else { Ok(Part::Method) }
                }
            },
            Part::EmptyLineLf if byte == b'\n' => {
                self.empty_lines += 1;
                Ok(Part::Start)
            }
            Part::EmptyLineLf => Err(Reject::BareCr),
            Part::Method => match byte {
                b' ' => Ok(Part::TargetStart),
                _ if is_token(byte) => Ok(Part::Method),
                _ => Err(Reject::Method),
            },
            Part::TargetStart | Part::Target => match byte {
                b' ' if matches!(self.part, Part::Target) => Ok(Part::Version(0)),
                // A second space, or a line that ends here as those of HTTP/0.9 did.
                b' ' | b'\t' | b'\r' | b'\n' => Err(Reject::RequestLine),
                // RFC 9112 3.2: a fragment is never sent. Some would cut it off, some would route by it.
                b'#' => Err(Reject::Target),
                b'!'..=b'~' => Ok(Part::Target),
                _ => Err(Reject::Target),
            },
            Part::Version(length) => {
                let fits = match length {
                    0..=4 => byte == b"HTTP/"[usize::from(length)],
                    6 => byte == b'.',
                    _ => byte.is_ascii_digit(),
                };
                match length + 1 {
                    _ if !fits => Err(Reject::Version),
                    VERSION_LENGTH if input[self.at - 2] == b'1' && matches!(byte, b'0' | b'1') => Ok(Part::LineCr),
                    VERSION_LENGTH => Err(Reject::VersionUnsupported),
                    length => Ok(Part::Version(length)),
                }
            }
            Part::LineCr => match byte {
                b'\r' => Ok(Part::LineLf),
                b'\n' => Err(Reject::BareLf),
                b' ' | b'\t' => Err(Reject::RequestLine),
                _ => Err(Reject::Version),
            },
            Part::LineLf if byte == b'\n' => Ok(Part::Fields),
            Part::LineLf => Err(Reject::BareCr),
            // The caller does not step there.
            Part::Fields => Ok(Part::Fields),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::parser::HeadParser;
    use crate::http::parser::testing::{begin, check, go_on, line};

    #[test]
    fn a_line_ends_with_cr_lf() {
        check("GET / HTTP/1.1\r\nHost: x\r\n\r\n", Ok(()));
        check("GET / HTTP/1.1\nHost: x\r\n\r\n", Err(Reject::BareLf));
        check("GET / HTTP/1.1\r\nHost: x\n\r\n", Err(Reject::BareLf));
        check("GET / HTTP/1.1\r\nHost: x\r\n\n", Err(Reject::BareLf));
        check("GET / HTTP/1.1\r\nHost: x\r\nA: b\nContent-Length: 1\r\n\r\n", Err(Reject::BareLf));
        check("\nGET / HTTP/1.1\r\nHost: x\r\n\r\n", Err(Reject::BareLf));
        check("GET / HTTP/1.1\rHost: x\r\n\r\n", Err(Reject::BareCr));
        check("GET / HTTP/1.1\r\r\nHost: x\r\n\r\n", Err(Reject::BareCr));
        check("GET / HTTP/1.1\r\nHost: x\rA: b\r\n\r\n", Err(Reject::BareCr));
        check("GET / HTTP/1.1\r\nHost: x\r\r\n\r\n", Err(Reject::BareCr));
        check("GET / HTTP/1.1\r\nHost: x\r\n\rA", Err(Reject::BareCr));
        check("\rGET / HTTP/1.1\r\nHost: x\r\n\r\n", Err(Reject::BareCr));
    }

    #[test]
    fn a_few_empty_lines_may_come_first() {
        for count in 0..=4 {
            check("\r\n".repeat(count) + &line("GET / HTTP/1.1"), Ok(()));
        }
        check_early(b"\r\n\r\n\r\n\r\n\r", Reject::EmptyLines);
    }

    #[test]
    fn the_request_line_is_three_parts_and_two_spaces() {
        check(line("GET / HTTP/1.1"), Ok(()));
        check(line(" GET / HTTP/1.1"), Err(Reject::Method));
        check(line("\tGET / HTTP/1.1"), Err(Reject::Method));
        check(line("GET  / HTTP/1.1"), Err(Reject::RequestLine));
        check(line("GET /  HTTP/1.1"), Err(Reject::Version));
        check(line("GET / HTTP/1.1 "), Err(Reject::RequestLine));
        check(line("GET\t/ HTTP/1.1"), Err(Reject::Method));
        check(line("GET /\tHTTP/1.1"), Err(Reject::RequestLine));
        check(line("GET / x HTTP/1.1"), Err(Reject::Version));
        check(line("GET HTTP/1.1"), Err(Reject::RequestLine));
        check(line("GET /"), Err(Reject::RequestLine));
        check(line("GET"), Err(Reject::Method));
    }

    #[test]
    fn a_method_is_a_token() {
        for method in ["GET", "get", "M-SEARCH", "PURGE", "!#$%&'*+-.^_`|~1a"] {
            check(line(&format!("{method} / HTTP/1.1")), Ok(()));
        }
        for method in ["G(T", "G@T", "G:T", "G\0T", "GÉT", "\"GET\"", "G\x7fT", "{}", "GET,POST"] {
            check(line(&format!("{method} / HTTP/1.1")), Err(Reject::Method));
        }
    }

    #[test]
    fn what_is_not_http_is_told_at_once() {
        check_early(b"\x16", Reject::Method);
        check_early(b"\x00", Reject::Method);
        check_early(b"\xff", Reject::Method);
        check_early(b"{", Reject::Method);
        check_early(b"PRI * HTTP/2.0", Reject::VersionUnsupported);
        check_early(b"SSH-2.0-OpenSSH_9.6\r", Reject::Method);
        check_early(b"HTTP/", Reject::Method);
    }

    #[test]
    fn versions_are_1_0_and_1_1() {
        check(line("GET / HTTP/1.0"), Ok(()));
        check(line("GET / HTTP/1.1"), Ok(()));
        for version in ["HTTP/0.9", "HTTP/1.2", "HTTP/1.9", "HTTP/2.0", "HTTP/3.0", "HTTP/0.0"] {
            check(line(&format!("GET / {version}")), Err(Reject::VersionUnsupported));
        }
        let garbage =
            ["http/1.1", "HTTP/1", "HTTP/1.", "HTTP/11", "HTTP/1.10", "HTTP/1.1a", "HTTP/01.1", "HTTP/a.1", "HTTP 1.1"];
        for version in garbage.into_iter().chain(["HTTPS/1.1", "ICY/1.1", "HTTP/-1.1", "HTTP/1,1", "HTTP/2"]) {
            check(line(&format!("GET / {version}")), Err(Reject::Version));
        }
    }

    #[test]
    fn limits_hold_to_the_byte() {
        let limits = HeadLimits { request_line: 20, header_count: 2, head_bytes: 60 };
        let check = |bytes: &str, expected: Result<(), Reject>| {
            let found = begin(bytes.as_bytes(), &limits);
            assert_eq!(found.map(|found| drop(found.expect("it is complete"))), expected, "{bytes:?}");
            let mut parser = HeadParser::default();
            let found =
                (0..=bytes.len()).find_map(|end| go_on(&mut parser, &bytes.as_bytes()[..end], &limits).transpose());
            assert_eq!(found.expect("it is complete").map(drop), expected, "{bytes:?}");
        };
        check(&line("GET /2345678 HTTP/1.1"), Err(Reject::RequestLineTooLong));
        check(&line("GET /234567 HTTP/1.1"), Ok(()));
        check(&line("GETGETGETGETGETGETGET"), Err(Reject::RequestLineTooLong));
        check(&format!("GET /{}", "x".repeat(16)), Err(Reject::RequestLineTooLong));
        check("GET / HTTP/1.1\r\nHost: x\r\nA: b\r\n\r\n", Ok(()));
        check("GET / HTTP/1.1\r\nHost: x\r\nA: b\r\nC: d\r\n\r\n", Err(Reject::TooManyFields));
        check("GET / HTTP/1.1\r\nHost: x\r\nA: b\r\nC", Err(Reject::TooManyFields));
        // 16 + 9 + 3 + 4 of 60 bytes are not the value.
        check(&format!("GET / HTTP/1.1\r\nHost: x\r\nA: {}\r\n\r\n", "b".repeat(28)), Ok(()));
        check(&format!("GET / HTTP/1.1\r\nHost: x\r\nA: {}\r\n\r\n", "b".repeat(29)), Err(Reject::HeadTooLong));
        check(&format!("\r\nGET / HTTP/1.1\r\nHost: x\r\nA: {}\r\n\r\n", "b".repeat(27)), Err(Reject::HeadTooLong));
        check(&format!("GET / HTTP/1.1\r\nHost: x\r\nA: {}", "b".repeat(32)), Err(Reject::HeadTooLong));
    }

    /// What is known when the last of `bytes` arrives, and not before.
    fn check_early(bytes: &[u8], expected: Reject) {
        let limits = HeadLimits::default();
        let mut parser = HeadParser::default();
        for end in 0..bytes.len() {
            let found = go_on(&mut parser, &bytes[..end], &limits);
            assert!(matches!(found, Ok(None)), "{} at {end}", bytes.escape_ascii());
        }
        assert_eq!(go_on(&mut parser, bytes, &limits).err(), Some(expected), "{}", bytes.escape_ascii());
        assert_eq!(begin(bytes, &limits).err(), Some(expected), "{}", bytes.escape_ascii());
    }
}
