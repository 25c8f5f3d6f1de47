//! The chunked body of an answer, read in whatever pieces it arrives.

/// Where in a chunked body the reader is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Chunked {
    /// In the digits of a size; how many there were.
    Size { value: u64, digits: u8 },
    /// Behind the size, in an extension that means nothing to us.
    Extension { value: u64 },
    /// After the carriage return of the size line.
    SizeEnd { value: u64 },
    /// In the data of a chunk.
    Data { left: u64 },
    /// Behind the data.
    DataReturn,
    /// After the carriage return behind the data.
    DataEnd,
    /// At the beginning of a trailer line, or of the empty one.
    TrailerStart,
    /// In a trailer line.
    Trailer,
    /// After the carriage return of the empty line.
    End,
}

/// What the grammar of chunks does not have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct BadChunk;

impl Chunked {
    pub(crate) const START: Self = Self::Size { value: 0, digits: 0 };

    /// Takes from the input and gives the data to `data`. True once the body is over.
    pub(crate) fn read(&mut self, input: &mut &[u8], mut data: impl FnMut(&[u8])) -> Result<bool, BadChunk> {
        loop {
            if let Self::Data { left } = *self {
                let size = usize::try_from(left).map_or(input.len(), |left| left.min(input.len()));
                let (now, later) = input.split_at(size);
                data(now);
                *input = later;
                let left = left - size as u64;
                *self = if left == 0 { Self::DataReturn } else { Self::Data { left } };
            }
            let Some((&byte, rest)) = input.split_first() else { return Ok(false) };
            *input = rest;
            *self = match (*self, byte) {
                (Self::End, b'\n') => return Ok(true),
                (state, byte) => state.after(byte).ok_or(BadChunk)?,
            };
        }
    }

    fn after(self, byte: u8) -> Option<Self> {
        Some(match (self, byte) {
            (Self::Size { value, digits }, _) if byte.is_ascii_hexdigit() => {
                let digit = (byte as char).to_digit(16)?;
                let value = value.checked_mul(16)?.checked_add(digit.into())?;
                Self::Size { value, digits: digits.saturating_add(1) }
            }
            (Self::Size { digits: 0, .. }, _) => return None,
            (Self::Size { value, .. } | Self::Extension { value }, b'\r') => Self::SizeEnd { value },
            (Self::Size { value, .. }, b';' | b' ' | b'\t') => Self::Extension { value },
            (Self::Extension { value }, _) if byte != b'\n' => Self::Extension { value },
            (Self::SizeEnd { value: 0 }, b'\n') => Self::TrailerStart,
            (Self::SizeEnd { value }, b'\n') => Self::Data { left: value },
            (Self::DataReturn, b'\r') => Self::DataEnd,
            (Self::DataEnd, b'\n') => Self::START,
            (Self::TrailerStart, b'\r') => Self::End,
            (Self::Trailer, b'\n') => Self::TrailerStart,
            (Self::TrailerStart | Self::Trailer, _) => Self::Trailer,
            _ => return None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decode(bytes: &[u8]) -> (Result<bool, BadChunk>, Vec<u8>, usize) {
        let (mut state, mut input, mut data) = (Chunked::START, bytes, Vec::new());
        let end = state.read(&mut input, |part| data.extend_from_slice(part));
        (end, data, input.len())
    }

    #[test]
    fn chunks_are_read() {
        let check = |bytes: &str, data: &str, left: usize| {
            assert_eq!(decode(bytes.as_bytes()), (Ok(true), data.as_bytes().to_vec(), left), "{bytes:?}");
        };
        check("0\r\n\r\n", "", 0);
        check("5\r\nhello\r\n0\r\n\r\n", "hello", 0);
        check("5\r\nhello\r\n001 ;x=\"1\"\r\n!\r\n0\r\n\r\nHTTP", "hello!", 4);
        check("A\r\n0123456789\r\n0\r\nDigest: x\r\nb: c\r\n\r\n", "0123456789", 0);
    }

    #[test]
    fn chunks_that_are_none_are_refused() {
        let check = |bytes: &str| assert_eq!(decode(bytes.as_bytes()).0, Err(BadChunk), "{bytes:?}");
        check("\r\n");
        check("x\r\n");
        check("-1\r\n");
        check("5\nhello");
        check("5\r\nhello!\r\n");
        check("5\r\nhello\r0");
        check("0\r\n\r\r");
        check("11111111111111111\r\n");
    }

    #[test]
    fn a_body_without_its_end_is_not_over() {
        let whole = b"5\r\nhello\r\n0\r\nA: b\r\n\r\n";
        for end in 0..whole.len() {
            assert_eq!(decode(&whole[..end]).0, Ok(false), "{end}");
        }
    }
}
