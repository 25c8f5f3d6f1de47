//! The body of a request: by its length, or in chunks (RFC 9112 sections 6.2 and 7.1).

use std::ops::Range;

use super::fields::{FieldLines, is_text};
use super::{Framing, Reject};

/// How many digits a chunk size may have, leading zeros included: those of the largest `u64`.
pub(super) const SIZE_DIGITS: u8 = 16;

/// How many bytes of chunk extensions a body may carry, all together. They mean nothing here and cost time to skip.
pub(super) const EXTENSION_BYTES: usize = 16 * 1024;

/// How large the trailers may be.
pub(super) const TRAILER_BYTES: usize = 8 * 1024;
pub(super) const TRAILER_COUNT: usize = 64;

/// Finds the data of one body in the bytes behind its head.
///
/// Trailers are held to the rules of headers and dropped: no handler asks for them, and a header that arrives after the
/// decisions that it bears on is better not merged (RFC 9110 6.5.1). Chunk extensions are checked and dropped, too.
#[derive(Debug)]
pub(crate) struct BodyDecoder {
    place: Place,
    /// What is still to come of the body or of the chunk.
    left: u64,
    /// The bytes of extensions so far.
    extensions: usize,
}

/// What one call found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Decoded {
    /// The bytes that are done with.
    pub(crate) used: usize,
    /// The data among them, at their end; empty where there was none.
    pub(crate) data: Range<usize>,
}

/// What the next byte is.
#[derive(Clone, Copy, Debug)]
enum Place {
    Length,
    SizeStart,
    Size {
        digits: u8,
    },
    /// Whitespace after the size, which only an extension may follow.
    SizeSpace,
    Extension,
    SizeLf,
    Data,
    DataCr,
    DataLf,
    Trailers {
        lines: FieldLines,
        bytes: usize,
    },
    Done,
}

impl BodyDecoder {
    pub(crate) fn new(framing: Framing) -> Self {
        let (place, left) = match framing {
            Framing::Chunked => (Place::SizeStart, 0),
            Framing::Length(0) | Framing::None => (Place::Done, 0),
            Framing::Length(length) => (Place::Length, length),
        };
        Self { place, left, extensions: 0 }
    }

    /// Takes what it can of `input`, up to the end of one contiguous piece of data. The next call brings what is left of
    /// it; when there is nothing left and the body is not done, more has to arrive.
    /// After an error it is of no further use.
    pub(crate) fn decode(&mut self, input: &[u8]) -> Result<Decoded, Reject> {
        let mut used = 0;
        while let Some(&byte) = input.get(used) {
            self.place = match self.place {
                Place::Done => break,
                Place::Length | Place::Data => return Ok(self.data(used, input.len())),
                Place::Trailers { lines, bytes } => {
                    used += self.trailers(lines, bytes, &input[used..])?;
                    continue;
                }
                _ => self.step(byte)?,
            };
            used += 1;
        }
        Ok(Decoded { used, data: used..used })
    }

    /// Whether the body has ended. The bytes behind it belong to the next request.
    pub(crate) fn is_done(&self) -> bool {
        matches!(self.place, Place::Done)
    }

    fn data(&mut self, start: usize, end: usize) -> Decoded {
        let there = end - start;
        let length = usize::try_from(self.left).map_or(there, |left| left.min(there));
        self.left -= length as u64;
        if self.left == 0 {
            self.place = if matches!(self.place, Place::Length) { Place::Done } else { Place::DataCr };
        }
        Decoded { used: start + length, data: start..start + length }
    }

    /// `chunk-size [ chunk-ext ] CRLF` before the data, `CRLF` after it.
    fn step(&mut self, byte: u8) -> Result<Place, Reject> {
        match self.place {
            Place::SizeStart => match digit(byte) {
                Some(value) => {
                    self.left = value;
                    Ok(Place::Size { digits: 1 })
                }
                None => Err(Reject::ChunkSize),
            },
            Place::Size { digits } => match (byte, digit(byte)) {
                (_, Some(_)) if digits == SIZE_DIGITS => Err(Reject::ChunkSizeTooLarge),
                (_, Some(value)) => {
                    self.left = self.left << 4 | value;
                    Ok(Place::Size { digits: digits + 1 })
                }
                (b'\r', None) => Ok(Place::SizeLf),
                (b'\n', None) => Err(Reject::BareLf),
                (b';', None) => self.extension(Place::Extension),
                (b' ' | b'\t', None) => self.extension(Place::SizeSpace),
                (_, None) => Err(Reject::ChunkSize),
            },
            Place::SizeSpace => match byte {
                b' ' | b'\t' => self.extension(Place::SizeSpace),
                b';' => self.extension(Place::Extension),
                _ => Err(Reject::ChunkSize),
            },
            Place::Extension => match byte {
                b'\r' => Ok(Place::SizeLf),
                b'\n' => Err(Reject::BareLf),
                _ if is_text(byte) => self.extension(Place::Extension),
                _ => Err(Reject::ChunkExtension),
            },
            Place::SizeLf if byte != b'\n' => Err(Reject::BareCr),
            Place::SizeLf if self.left == 0 => Ok(Place::Trailers { lines: FieldLines::default(), bytes: 0 }),
            Place::SizeLf => Ok(Place::Data),
            Place::DataCr => match byte {
                b'\r' => Ok(Place::DataLf),
                b'\n' => Err(Reject::BareLf),
                _ => Err(Reject::ChunkEnd),
            },
            Place::DataLf if byte != b'\n' => Err(Reject::BareCr),
            Place::DataLf => Ok(Place::SizeStart),
            // The caller does not step there.
            place @ (Place::Length | Place::Data | Place::Trailers { .. } | Place::Done) => Ok(place),
        }
    }

    fn extension(&mut self, place: Place) -> Result<Place, Reject> {
        if self.extensions == EXTENSION_BYTES {
            return Err(Reject::ChunkExtensionsTooLong);
        }
        self.extensions += 1;
        Ok(place)
    }

    /// Reads on in the trailers: how many bytes it took.
    fn trailers(&mut self, mut lines: FieldLines, bytes: usize, input: &[u8]) -> Result<usize, Reject> {
        let window = &input[..input.len().min(TRAILER_BYTES - bytes)];
        let (used, is_end) = lines.advance(window, TRAILER_COUNT)?;
        let bytes = bytes + used;
        if !is_end && bytes == TRAILER_BYTES {
            return Err(Reject::TrailersTooLong);
        }
        self.place = if is_end { Place::Done } else { Place::Trailers { lines, bytes } };
        Ok(used)
    }
}

fn digit(byte: u8) -> Option<u64> {
    char::from(byte).to_digit(16).map(u64::from)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::parser::differential;

    /// What a chunked body comes to: its data and how much of the input it takes; and that it comes to the same in pieces.
    fn decode(bytes: &[u8]) -> Result<Option<(Vec<u8>, usize)>, Reject> {
        differential::chunked(bytes, &[2, 5]);
        differential::body(bytes, &[])
    }

    fn check_data(bytes: &[u8], data: &[u8], used: usize) {
        assert_eq!(decode(bytes), Ok(Some((data.to_owned(), used))), "{}", bytes.escape_ascii());
    }

    fn check(bytes: impl AsRef<[u8]>, expected: Result<(), Reject>) {
        let bytes = bytes.as_ref();
        let found = decode(bytes).map(|found| drop(found.expect("it is complete")));
        assert_eq!(found, expected, "{}", bytes.escape_ascii());
    }

    #[test]
    fn data_comes_in_chunks() {
        check_data(b"0\r\n\r\n", b"", 5);
        check_data(b"3\r\nabc\r\n0\r\n\r\n", b"abc", 13);
        check_data(b"3\r\nabc\r\n2\r\nde\r\n0\r\n\r\nGET /", b"abcde", 20);
        check_data(b"3\r\n\r\n0\r\n00\r\n\r\n", b"\r\n0", 14);
        assert_eq!(decode(b""), Ok(None));
        assert_eq!(decode(b"3\r\nabc\r\n0\r\n\r"), Ok(None));
        assert_eq!(decode(b"ffffffffffffffff\r\nabc"), Ok(None));
    }

    #[test]
    fn a_chunk_size_is_hexadecimal_digits() {
        let check = |size: &str, expected: Result<(), Reject>| {
            check(format!("{size}\r\n{}\r\n0\r\n\r\n", "x".repeat(10)), expected);
        };
        for size in ["a", "A", "0a", "000000000000000A"] {
            check(size, Ok(()));
        }
        for size in [
            "", "+a", "-a", "0xa", "xa", "g", "1g", " a", "\ta", "a ", "a\t", "a b", "\0", "a\0", ";a", "ａ", "a,",
            "a.",
        ] {
            check(size, Err(Reject::ChunkSize));
        }
        for size in ["0000000000000000a", "10000000000000000", "fffffffffffffffff", "ffffffffffffffffffffffffffffffff1"]
        {
            check(size, Err(Reject::ChunkSizeTooLarge));
        }
    }

    #[test]
    fn chunks_and_their_lines_end_with_cr_lf() {
        check("1\r\na\r\n0\r\n\r\n", Ok(()));
        check("1\na\r\n0\r\n\r\n", Err(Reject::BareLf));
        check("1\ra\r\n0\r\n\r\n", Err(Reject::BareCr));
        check("1\r\na\n0\r\n\r\n", Err(Reject::BareLf));
        check("1\r\na\r0\r\n\r\n", Err(Reject::BareCr));
        check("1\r\na\r\n0\n\r\n", Err(Reject::BareLf));
        check("1\r\na\r\n0\r\r\n", Err(Reject::BareCr));
        check("1\r\na\r\n0\r\n\n", Err(Reject::BareLf));
        check("1\r\na\r\n0\r\n\r\r", Err(Reject::BareCr));
        check("1\r\nab\r\n0\r\n\r\n", Err(Reject::ChunkEnd));
        check("1\r\na0\r\n\r\n", Err(Reject::ChunkEnd));
        check("2\r\na\r\n0\r\n\r\n", Err(Reject::BareLf));
        check("1\r\na\r\n\r\n0\r\n\r\n", Err(Reject::ChunkSize));
    }

    #[test]
    fn chunk_extensions_are_skipped() {
        for extension in [";a", ";a=b", ";a=\"b;c\"", " ;a", "\t ; a = b ;c", ";", ";a=\u{e9}", ";a b"] {
            check(format!("1{extension}\r\nx\r\n0{extension}\r\n\r\n"), Ok(()));
        }
        for extension in [";a\0", ";\x0b", ";a=\"\x7f\"", ";\x1b"] {
            check(format!("1{extension}\r\nx\r\n0\r\n\r\n"), Err(Reject::ChunkExtension));
        }
        check("1;a\nx\r\n0\r\n\r\n", Err(Reject::BareLf));
        check("1;a\rx\r\n0\r\n\r\n", Err(Reject::BareCr));
        // Quotes do not protect a line end.
        check("1;a=\"\r\n\"\r\nx\r\n0\r\n\r\n", Err(Reject::ChunkSize));
    }

    #[test]
    fn chunk_extensions_are_bounded_over_the_body() {
        let body = |bytes: usize| {
            let half = format!(";{}", "x".repeat(bytes / 2 - 1));
            format!("1{half}\r\na\r\n0{half}\r\n\r\n")
        };
        check(body(EXTENSION_BYTES), Ok(()));
        check(body(EXTENSION_BYTES + 2), Err(Reject::ChunkExtensionsTooLong));
        check("1;\r\na\r\n".repeat(EXTENSION_BYTES + 1), Err(Reject::ChunkExtensionsTooLong));
        check(format!("1{}", " ".repeat(EXTENSION_BYTES + 1)), Err(Reject::ChunkExtensionsTooLong));
    }

    #[test]
    fn trailers_keep_the_rules_of_headers_and_are_dropped() {
        check_data(b"1\r\nx\r\n0\r\nA: b\r\nContent-Length: 5\r\n\r\nrest", b"x", 36);
        let check = |trailers: &str, expected: Result<(), Reject>| check(format!("0\r\n{trailers}\r\n\r\n"), expected);
        check("A: b", Ok(()));
        check("A:\r\nTransfer-Encoding: chunked", Ok(()));
        check("A", Err(Reject::FieldWithoutColon));
        check(": b", Err(Reject::FieldName));
        check("A : b", Err(Reject::FieldNameSpace));
        check(" A: b", Err(Reject::FieldFolded));
        check("A: b\r\n c", Err(Reject::FieldFolded));
        check("A: b\0", Err(Reject::FieldValue));
        check("A: b\nC: d", Err(Reject::BareLf));
        check("A: b\rC: d", Err(Reject::BareCr));
        check("A(): b", Err(Reject::FieldName));
    }

    #[test]
    fn trailers_are_bounded() {
        let long = |bytes: usize| format!("0\r\nA:{}\r\n\r\n", "b".repeat(bytes - "A:\r\n\r\n".len()));
        check(long(TRAILER_BYTES), Ok(()));
        check(long(TRAILER_BYTES + 1), Err(Reject::TrailersTooLong));
        check(format!("0\r\n{}\r\n", "a:b\r\n".repeat(TRAILER_COUNT)), Ok(()));
        check(format!("0\r\n{}\r\n", "a:b\r\n".repeat(TRAILER_COUNT + 1)), Err(Reject::TooManyFields));
    }

    #[test]
    fn a_length_is_counted_down() {
        let mut body = BodyDecoder::new(Framing::Length(5));
        assert_eq!(body.decode(b"ab"), Ok(Decoded { used: 2, data: 0..2 }));
        assert_eq!(body.decode(b""), Ok(Decoded { used: 0, data: 0..0 }));
        assert!(!body.is_done());
        assert_eq!(body.decode(b"cdeGET"), Ok(Decoded { used: 3, data: 0..3 }));
        assert!(body.is_done());
        assert_eq!(body.decode(b"GET"), Ok(Decoded { used: 0, data: 0..0 }));
        assert!(BodyDecoder::new(Framing::None).is_done());
        assert!(BodyDecoder::new(Framing::Length(0)).is_done());
        assert!(!BodyDecoder::new(Framing::Chunked).is_done());
    }

    #[test]
    fn one_call_brings_one_piece_of_data() {
        let bytes = b"3\r\nabc\r\n2;x\r\nde\r\n0\r\n\r\nGET";
        let mut body = BodyDecoder::new(Framing::Chunked);
        assert_eq!(body.decode(bytes), Ok(Decoded { used: 6, data: 3..6 }));
        assert_eq!(body.decode(&bytes[6..]), Ok(Decoded { used: 9, data: 7..9 }));
        assert_eq!(body.decode(&bytes[15..]), Ok(Decoded { used: 7, data: 7..7 }));
        assert!(body.is_done());
    }
}
