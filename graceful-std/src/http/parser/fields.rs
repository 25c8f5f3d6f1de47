//! Field lines, byte by byte: the headers of a request and the trailers of a chunked body (RFC 9112 section 5).

use super::Reject;

/// How far a section of field lines has been read, up to and with the empty line that ends it.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct FieldLines {
    place: Place,
    count: usize,
}

/// What the next byte may be.
#[derive(Clone, Copy, Debug, Default)]
enum Place {
    /// The first of a line: a name, or the CR of the empty line.
    #[default]
    LineStart,
    Name,
    Value,
    ValueLf,
    LastLf,
}

impl FieldLines {
    /// Reads on until the section or the input ends: how many bytes it took, and whether that was the end of the section.
    /// An error leaves it where it is, and the same bytes bring the same error again.
    pub(super) fn advance(&mut self, input: &[u8], most: usize) -> Result<(usize, bool), Reject> {
        for (at, &byte) in input.iter().enumerate() {
            self.place = match (self.place, byte) {
                (Place::LineStart, b'\r') => Place::LastLf,
                (Place::LineStart, b'\n') => return Err(Reject::BareLf),
                // RFC 9112 5.2: a folded line. Before the first field it would hide that field from some readers (2.2).
                (Place::LineStart, b' ' | b'\t') => return Err(Reject::FieldFolded),
                (Place::LineStart, _) if !is_token(byte) => return Err(Reject::FieldName),
                (Place::LineStart, _) if self.count >= most => return Err(Reject::TooManyFields),
                (Place::LineStart, _) => {
                    self.count += 1;
                    Place::Name
                }
                (Place::Name, b':') => Place::Value,
                (Place::Name, b'\r' | b'\n') => return Err(Reject::FieldWithoutColon),
                // RFC 9112 5.1: whoever ignores the whitespace sees another name than who does not.
                (Place::Name, b' ' | b'\t') => return Err(Reject::FieldNameSpace),
                (Place::Name, _) if !is_token(byte) => return Err(Reject::FieldName),
                (Place::Name, _) => Place::Name,
                (Place::Value, b'\r') => Place::ValueLf,
                (Place::Value, b'\n') => return Err(Reject::BareLf),
                (Place::Value, _) if !is_text(byte) => return Err(Reject::FieldValue),
                (Place::Value, _) => Place::Value,
                (Place::ValueLf, b'\n') => Place::LineStart,
                (Place::LastLf, b'\n') => return Ok((at + 1, true)),
                (Place::ValueLf | Place::LastLf, _) => return Err(Reject::BareCr),
            };
        }
        Ok((input.len(), false))
    }
}

/// `tchar` of RFC 9110 5.6.2: what methods, field names and transfer codings are made of.
pub(super) const fn is_token(byte: u8) -> bool {
    matches!(byte, b'0'..=b'9' | b'A'..=b'Z' | b'a'..=b'z'
        | b'!' | b'#' | b'$' | b'%' | b'&' | b'\'' | b'*' | b'+' | b'-' | b'.' | b'^' | b'_' | b'`' | b'|' | b'~')
}

/// What RFC 9110 5.5 allows in a field value: visible characters, space, tab and `obs-text`.
pub(super) const fn is_text(byte: u8) -> bool {
    matches!(byte, b'\t' | b' '..=b'~' | 0x80..)
}

/// The elements of a comma-separated list (RFC 9110 5.6.1), without the whitespace around them.
pub(super) fn elements(value: &[u8]) -> impl Iterator<Item = &[u8]> {
    value.split(|&byte| byte == b',').map(trim)
}

/// Without spaces and tabs at its ends. `trim_ascii` takes more than those two for whitespace.
fn trim(mut element: &[u8]) -> &[u8] {
    while let [b' ' | b'\t', rest @ ..] | [rest @ .., b' ' | b'\t'] = element {
        element = rest;
    }
    element
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::parser::testing::{check, parse, with};

    #[test]
    fn header_lines_are_not_folded() {
        check(with("A: b\r\nC: d"), Ok(()));
        check(with("A: b\r\n c"), Err(Reject::FieldFolded));
        check(with("A: b\r\n\tc"), Err(Reject::FieldFolded));
        check(with("A: b\r\n "), Err(Reject::FieldFolded));
        check(with("A:\r\n b"), Err(Reject::FieldFolded));
        check("GET / HTTP/1.1\r\n Host: x\r\n\r\n", Err(Reject::FieldFolded));
        check("GET / HTTP/1.1\r\n \r\nHost: x\r\n\r\n", Err(Reject::FieldFolded));
    }

    #[test]
    fn a_header_name_is_a_token_with_its_colon_right_behind() {
        for name in ["A", "x_y", "!#$%&'*+-.^_`|~1a"] {
            check(with(&format!("{name}: b")), Ok(()));
        }
        check(with("A : b"), Err(Reject::FieldNameSpace));
        check(with("A\t: b"), Err(Reject::FieldNameSpace));
        check(with("Content-Length : 1"), Err(Reject::FieldNameSpace));
        check(with("A b: c"), Err(Reject::FieldNameSpace));
        check(with(": b"), Err(Reject::FieldName));
        check(with("A"), Err(Reject::FieldWithoutColon));
        check("GET / HTTP/1.1\r\nHost\n\r\n", Err(Reject::FieldWithoutColon));
        for name in
            ["A\0", "A\x0b", "A\x7f", "É", "A(b)", "A/b", "A[0]", "\"A\"", "A@", "A,B", "A;B", "A=B", "{A}", "A\\"]
        {
            check(with(&format!("{name}: b")), Err(Reject::FieldName));
        }
    }

    #[test]
    fn a_header_value_has_no_control_characters() {
        let check = |value: &[u8], expected: Result<&[u8], Reject>| {
            let bytes = [b"GET / HTTP/1.1\r\nHost: x\r\nA:", value, b"\r\n\r\n"].concat();
            let found = parse(&bytes).map(|head| head.headers["a"].as_bytes().to_owned());
            assert_eq!(found.as_deref(), expected.as_deref(), "{}", value.escape_ascii());
        };
        check(b"", Ok(b""));
        check(b" \t ", Ok(b""));
        check(b" b ", Ok(b"b"));
        check(b"\tb c\t \t", Ok(b"b c"));
        check(b"b\tc", Ok(b"b\tc"));
        check(b" \"b: c, d;\" ", Ok(b"\"b: c, d;\""));
        // `obs-text` is opaque, not refused (RFC 9110 5.5).
        check(b" \x80\xff ", Ok(b"\x80\xff"));
        check("grüße".as_bytes(), Ok("grüße".as_bytes()));
        for byte in (0..=0x1f_u8).chain([0x7f]).filter(|byte| !b"\t\r\n".contains(byte)) {
            check(&[b' ', byte], Err(Reject::FieldValue));
            check(&[b'b', byte, b'c'], Err(Reject::FieldValue));
            check(&[b'b', byte], Err(Reject::FieldValue));
        }
    }
}
