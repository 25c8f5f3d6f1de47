//! What the headers say about the message itself: where its body ends, whether the connection goes on, who waits for what.

use graceful_core::__private::same_text;
use http::Version;

use super::Reject;
use super::fields::{elements, is_token};
use super::target::is_host;

/// Where the body of a request ends (RFC 9112 section 6.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Framing {
    Chunked,
    /// After that many bytes. The parser never says 0: that is [`None`](Self::None).
    Length(u64),
    /// There is no body.
    None,
}

/// What becomes of the connection after the answer (RFC 9112 section 9.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Persistence {
    Close,
    KeepAlive,
}

/// What the client waits for before it sends the body (RFC 9110 section 10.1.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Expectation {
    /// For an interim answer 100. Only with a body: without one there is nothing to wait for.
    Continue,
    None,
}

/// What the headers have said so far, those of them that concern the parser.
#[derive(Debug)]
pub(super) struct Claims {
    version: Version,
    host: Host,
    content_length: Option<u64>,
    codings: Codings,
    persistence: Option<Persistence>,
    expectation: Expectation,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Host {
    Missing,
    Seen,
}

/// The transfer codings, over all lines.
#[derive(Clone, Copy, Debug)]
enum Codings {
    Absent,
    Chunked,
    Other,
    OtherThenChunked,
}

impl Claims {
    pub(super) fn new(version: Version) -> Self {
        Self {
            version,
            host: Host::Missing,
            content_length: None,
            codings: Codings::Absent,
            persistence: None,
            expectation: Expectation::None,
        }
    }

    /// Takes note of one header.
    #[inline]
    pub(super) fn note(&mut self, name: &str, value: &[u8]) -> Result<(), Reject> {
        // Most names are none of these, and their length alone says so.
        match name.len() {
            4 if name.eq_ignore_ascii_case("host") => self.host(value),
            6 if same_text(name.as_bytes(), b"expect") => self.expect(value),
            10 if name.eq_ignore_ascii_case("connection") => {
                self.connection(value);
                Ok(())
            }
            14 if same_text(name.as_bytes(), b"content-length") => self.content_length(value),
            17 if same_text(name.as_bytes(), b"transfer-encoding") => self.transfer_encoding(value),
            _ => Ok(()),
        }
    }

    /// What they come to.
    #[inline]
    pub(super) fn resolve(&self) -> Result<(Framing, Persistence, Expectation), Reject> {
        if self.host == Host::Missing && self.version == Version::HTTP_11 {
            return Err(Reject::HostMissing);
        }
        let framing = self.framing()?;
        let persistence = self.persistence.unwrap_or(match self.version {
            Version::HTTP_11 => Persistence::KeepAlive,
            _ => Persistence::Close,
        });
        let expectation = if framing == Framing::None { Expectation::None } else { self.expectation };
        Ok((framing, persistence, expectation))
    }

    /// RFC 9112 6.3. A length beside a coding may be refused (6.1), and is: that is how smuggling begins.
    fn framing(&self) -> Result<Framing, Reject> {
        match (self.codings, self.content_length) {
            (Codings::Absent, None | Some(0)) => Ok(Framing::None),
            (Codings::Absent, Some(length)) => Ok(Framing::Length(length)),
            (_, Some(_)) => Err(Reject::ContentLengthAndTransferEncoding),
            (Codings::Chunked, None) => Ok(Framing::Chunked),
            // Nobody could tell where this body ends.
            (Codings::Other, None) => Err(Reject::TransferEncoding),
            (Codings::OtherThenChunked, None) => Err(Reject::TransferCodingUnknown),
        }
    }

    /// RFC 9112 3.2: exactly one, and valid.
    fn host(&mut self, value: &[u8]) -> Result<(), Reject> {
        match self.host {
            Host::Seen => Err(Reject::HostRepeated),
            Host::Missing if !value.is_empty() && !is_host(value) => Err(Reject::HostInvalid),
            Host::Missing => {
                self.host = Host::Seen;
                Ok(())
            }
        }
    }

    /// RFC 9110 8.6: digits and nothing else. A repeated one is refused even where all are the same.
    fn content_length(&mut self, value: &[u8]) -> Result<(), Reject> {
        if self.content_length.is_some() {
            return Err(Reject::ContentLengthRepeated);
        }
        // No sign, which `str::parse` would take.
        let digits = str::from_utf8(value).ok().filter(|text| text.bytes().all(|byte| byte.is_ascii_digit()));
        self.content_length = Some(digits.and_then(|text| text.parse().ok()).ok_or(Reject::ContentLength)?);
        Ok(())
    }

    /// RFC 9112 6.1: `chunked` once, as the last. Empty elements and parameters, which some would overlook, are refused,
    /// and so is any coding in HTTP/1.0, where it may have come through somebody who does not know it.
    fn transfer_encoding(&mut self, value: &[u8]) -> Result<(), Reject> {
        if self.version != Version::HTTP_11 {
            return Err(Reject::TransferEncodingInOldVersion);
        }
        for coding in elements(value) {
            let is_chunked = same_text(coding, b"chunked");
            self.codings = match self.codings {
                Codings::Absent if is_chunked => Codings::Chunked,
                Codings::Other if is_chunked => Codings::OtherThenChunked,
                Codings::Absent | Codings::Other if is_name(coding) => Codings::Other,
                _ => return Err(Reject::TransferEncoding),
            };
        }
        Ok(())
    }

    /// RFC 9112 9.3: `close` outweighs `keep-alive`, in whatever order and on whatever line.
    fn connection(&mut self, value: &[u8]) {
        for option in elements(value) {
            if same_text(option, b"close") {
                self.persistence = Some(Persistence::Close);
            } else if same_text(option, b"keep-alive") {
                self.persistence.get_or_insert(Persistence::KeepAlive);
            }
        }
    }

    /// RFC 9110 10.1.1: one expectation is known, and HTTP/1.0 has none.
    fn expect(&mut self, value: &[u8]) -> Result<(), Reject> {
        if self.version != Version::HTTP_11 {
            return Ok(());
        }
        if !elements(value).all(|wish| same_text(wish, b"100-continue")) {
            return Err(Reject::Expectation);
        }
        self.expectation = Expectation::Continue;
        Ok(())
    }
}

fn is_name(coding: &[u8]) -> bool {
    !coding.is_empty() && coding.iter().all(|&byte| is_token(byte))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::parser::testing::{old, parse, with};

    #[test]
    fn a_content_length_is_one_number() {
        let check = |value: &str, expected: Result<Framing, Reject>| {
            check_framing(with(&format!("Content-Length: {value}")), expected);
            check_framing(old(&format!("content-length:{value}")), expected);
        };
        check("0", Ok(Framing::None));
        check("1", Ok(Framing::Length(1)));
        check("007", Ok(Framing::Length(7)));
        check("18446744073709551615", Ok(Framing::Length(u64::MAX)));
        check("\t5 \t", Ok(Framing::Length(5)));
        for value in
            ["", "+1", "-1", "-0", "1 1", "1,1", "1, 1", "0x1", "1.0", "1e3", "a", "1;", "\"1\"", "1_0", "١", "５"]
        {
            check(value, Err(Reject::ContentLength));
        }
        for value in ["18446744073709551616", "99999999999999999999", "340282366920938463463374607431768211456"] {
            check(value, Err(Reject::ContentLength));
        }
        check_framing(with("Content-Length: 1\r\nContent-Length: 2"), Err(Reject::ContentLengthRepeated));
        check_framing(with("Content-Length: 1\r\ncontent-length: 1"), Err(Reject::ContentLengthRepeated));
        check_framing(with("Content-Length: 0\r\nA: b\r\nContent-Length: 0"), Err(Reject::ContentLengthRepeated));
        check_framing(with("A: b"), Ok(Framing::None));
    }

    #[test]
    fn a_transfer_encoding_is_chunked() {
        let check = |values: &str, expected: Result<Framing, Reject>| {
            let lines = values.split('|').map(|value| format!("Transfer-Encoding: {value}")).collect::<Vec<_>>();
            check_framing(with(&lines.join("\r\n")), expected);
            check_framing(old(&lines.join("\r\n")), Err(Reject::TransferEncodingInOldVersion));
        };
        check("chunked", Ok(Framing::Chunked));
        check("CHUNKED", Ok(Framing::Chunked));
        check(" \tchunked \t", Ok(Framing::Chunked));
        check("gzip, chunked", Err(Reject::TransferCodingUnknown));
        check("gzip|chunked", Err(Reject::TransferCodingUnknown));
        check("identity, gzip ,\tChunked", Err(Reject::TransferCodingUnknown));
        for values in [
            "gzip",
            "identity",
            "xchunked",
            "chunked, gzip",
            "chunked|gzip",
            "chunked, identity",
            "chunkedx",
            "chunked1",
            "ch unked",
        ] {
            check(values, Err(Reject::TransferEncoding));
        }
        for values in [
            "chunked, chunked",
            "chunked|chunked",
            "",
            ",",
            "chunked,",
            ",chunked",
            "gzip,,chunked",
            "chunked|",
            "|chunked",
        ] {
            check(values, Err(Reject::TransferEncoding));
        }
        for values in [
            "chunked;q=1",
            "\"chunked\"",
            "chunked\x0b",
            "gzip;a=\"b, chunked\", chunked",
            "chunked;",
            "chunk\u{e9}d",
            "'chunked'; x",
        ] {
            let expected = if values.contains('\x0b') { Reject::FieldValue } else { Reject::TransferEncoding };
            check_framing(with(&format!("Transfer-Encoding: {values}")), Err(expected));
        }
    }

    #[test]
    fn a_length_and_a_coding_exclude_each_other() {
        let both = Err(Reject::ContentLengthAndTransferEncoding);
        check_framing(with("Content-Length: 5\r\nTransfer-Encoding: chunked"), both);
        check_framing(with("Transfer-Encoding: chunked\r\nContent-Length: 5"), both);
        check_framing(with("Transfer-Encoding: chunked\r\nContent-Length: 0"), both);
        check_framing(with("Transfer-Encoding: gzip\r\nContent-Length: 5"), both);
        check_framing(old("Transfer-Encoding: chunked"), Err(Reject::TransferEncodingInOldVersion));
        check_framing(
            old("Transfer-Encoding: chunked\r\nContent-Length: 5"),
            Err(Reject::TransferEncodingInOldVersion),
        );
    }

    #[test]
    fn headers_that_say_nothing_about_framing() {
        for headers in
            ["TE: trailers, chunked", "Upgrade: websocket", "Trailer: Content-Length", "Content-Encoding: gzip"]
        {
            check_framing(with(headers), Ok(Framing::None));
        }
        for headers in ["Transfer_Encoding: chunked", "X-Content-Length: 5", "Content-Lengt: 5", "Content_Length: 5"] {
            check_framing(with(headers), Ok(Framing::None));
        }
    }

    #[test]
    fn persistence_is_by_version_and_connection() {
        let check = |connection: &str, new: Persistence, expected_old: Persistence| {
            let lines =
                connection.split('|').map(|value| format!("Connection: {value}")).collect::<Vec<_>>().join("\r\n");
            assert_eq!(parse(with(&lines).as_bytes()).expect("valid").persistence, new, "{connection}");
            assert_eq!(parse(old(&lines).as_bytes()).expect("valid").persistence, expected_old, "{connection}");
        };
        let (close, keep_alive) = (Persistence::Close, Persistence::KeepAlive);
        for value in ["", "upgrade", "closed", "close;", "x-close", "te, trailers", "keep alive"] {
            check(value, keep_alive, close);
        }
        for value in [
            "close",
            "Close",
            " , CLOSE,",
            "upgrade,close",
            "keep-alive, close",
            "close, keep-alive",
            "keep-alive|close",
        ] {
            check(value, close, close);
        }
        check("close|keep-alive", close, close);
        for value in ["keep-alive", "Keep-Alive", "upgrade\t,\tkeep-alive", "te|keep-alive"] {
            check(value, keep_alive, keep_alive);
        }
    }

    #[test]
    fn the_only_expectation_is_100_continue() {
        let check = |headers: &str, expected: Result<Expectation, Reject>| {
            assert_eq!(parse(with(headers).as_bytes()).map(|head| head.expectation), expected, "{headers}");
            let found = parse(old(headers).as_bytes()).map(|head| head.expectation);
            assert_eq!(found, Ok(Expectation::None), "{headers}");
        };
        check("Content-Length: 5", Ok(Expectation::None));
        check("Content-Length: 5\r\nExpect: 100-continue", Ok(Expectation::Continue));
        check("Expect: 100-Continue\r\nContent-Length: 5", Ok(Expectation::Continue));
        check("Expect: 100-continue, 100-continue\r\nContent-Length: 5", Ok(Expectation::Continue));
        check("Expect: 100-continue", Ok(Expectation::None));
        check("Expect: 100-continue\r\nContent-Length: 0", Ok(Expectation::None));
        for value in ["", "200-ok", "100-continue, x", "100", "100-continue;x", "100-continue\r\nExpect: x"] {
            check(&format!("Expect: {value}\r\nContent-Length: 5"), Err(Reject::Expectation));
        }
    }

    fn check_framing(bytes: String, expected: Result<Framing, Reject>) {
        assert_eq!(parse(bytes.as_bytes()).map(|head| head.framing), expected, "{bytes:?}");
    }
}
