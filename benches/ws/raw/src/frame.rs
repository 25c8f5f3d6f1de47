//! Frames: as clients write them, and as a server does.

/// What it says before it goes: going away.
pub const GOING_AWAY: &[u8] = &[0x88, 2, 0x03, 0xe9];

/// A message, or one of the control frames that are answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Text or binary.
    Data,
    /// The client says goodbye, or answers.
    Close,
    /// To be answered.
    Ping,
    /// Not to be answered.
    Other,
}

/// Takes the first frame of a client's, if it is complete, and writes it to `out` as a server's: the same without its mask.
/// Returns what it is, and how long the client's was.
///
/// # Errors
/// It is not masked, or larger than a connection has room for.
pub fn turn(bytes: &[u8], most: usize, out: &mut Vec<u8>) -> Result<Option<(Kind, usize)>, Bad> {
    let [first, second, ..] = *bytes else { return Ok(None) };
    if second & 0x80 == 0 {
        return Err(Bad);
    }
    let (length, head) = match (second & 0x7f, bytes) {
        (126, [_, _, a, b, ..]) => (usize::from(u16::from_be_bytes([*a, *b])), 4),
        (127, [_, _, 0, 0, 0, 0, a, b, c, d, ..]) => (u32::from_be_bytes([*a, *b, *c, *d]) as usize, 10),
        (127, [_, _, _, _, _, _, _, _, _, _, ..]) => return Err(Bad),
        (126 | 127, _) => return Ok(None),
        (length, _) => (usize::from(length), 2),
    };
    let whole = head + 4 + length;
    if whole > most {
        return Err(Bad);
    }
    let Some(rest) = bytes.get(head..whole) else { return Ok(None) };
    let (mask, payload) = rest.split_at(4);
    let (kind, first) = match first & 0x0f {
        0..=2 => (Kind::Data, first),
        8 => (Kind::Close, first),
        9 => (Kind::Ping, first + 1),
        _ => (Kind::Other, first),
    };
    out.push(first);
    out.push(second & 0x7f);
    out.extend_from_slice(&bytes[2..head]);
    let begin = out.len();
    out.extend_from_slice(payload);
    for chunk in out[begin..].chunks_mut(4) {
        chunk.iter_mut().zip(mask).for_each(|(byte, mask)| *byte ^= mask);
    }
    Ok(Some((kind, whole)))
}

/// Not a frame that a client may send.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bad;

#[cfg(test)]
mod tests {
    use super::*;

    fn check(bytes: &[u8], wanted: Result<Option<(Kind, usize)>, Bad>, written: &[u8]) {
        let mut out = Vec::new();
        assert_eq!(turn(bytes, 1000, &mut out), wanted, "{bytes:?}");
        assert_eq!(out, written, "{bytes:?}");
    }

    #[test]
    fn frames_are_turned() {
        check(b"", Ok(None), b"");
        check(b"\x81\x82\x01\x01\x01\x01`", Ok(None), b"");
        check(b"\x81\x82\x01\x01\x01\x01`cX", Ok(Some((Kind::Data, 8))), b"\x81\x02ab");
        check(b"\x89\x80\x01\x01\x01\x01", Ok(Some((Kind::Ping, 6))), b"\x8a\x00");
        check(b"\x88\x82\0\0\0\0\x03\xe9", Ok(Some((Kind::Close, 8))), GOING_AWAY);
        check(b"\x81\x02ab", Err(Bad), b"");
        check(b"\x81\xfe\xff\xff", Err(Bad), b"");
        check(b"\x81\xff\0\0\0\0", Ok(None), b"");
    }
}
