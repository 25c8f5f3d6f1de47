//! WebSocket frames as bytes, valid and not.

/// The last frame of its message.
pub const FIN: u8 = 0x80;
/// A frame that goes on with a message.
pub const CONTINUATION: u8 = 0;
/// A frame of text.
pub const TEXT: u8 = 1;
/// A frame of bytes.
pub const BINARY: u8 = 2;
/// A frame that says good-bye.
pub const CLOSE: u8 = 8;
/// A frame that wants a pong.
pub const PING: u8 = 9;
/// A frame that answers a ping.
pub const PONG: u8 = 10;

/// Any will do: the tests attack no proxy.
const MASK: [u8; 4] = [0x37, 0xfa, 0x21, 0x3d];

/// A masked frame, whose first byte is `first`.
#[must_use]
pub fn frame(first: u8, payload: impl AsRef<[u8]>) -> Vec<u8> {
    let payload = payload.as_ref();
    let mut bytes = header(first, FIN, payload.len());
    bytes.extend(MASK);
    bytes.extend(payload.iter().zip(MASK.iter().cycle()).map(|(byte, mask)| byte ^ mask));
    bytes
}

/// A frame as only a server may send it.
#[must_use]
pub fn unmasked(first: u8, payload: impl AsRef<[u8]>) -> Vec<u8> {
    let mut bytes = header(first, 0, payload.as_ref().len());
    bytes.extend(payload.as_ref());
    bytes
}

/// A whole message of text, which need not be valid.
#[must_use]
pub fn text(payload: impl AsRef<[u8]>) -> Vec<u8> {
    frame(FIN | TEXT, payload)
}

/// A whole message of bytes.
#[must_use]
pub fn binary(payload: impl AsRef<[u8]>) -> Vec<u8> {
    frame(FIN | BINARY, payload)
}

/// A frame that others continue: of `TEXT`, `BINARY` or `CONTINUATION`.
#[must_use]
pub fn part(opcode: u8, payload: impl AsRef<[u8]>) -> Vec<u8> {
    frame(opcode, payload)
}

/// The last frame of a message in several.
#[must_use]
pub fn last(payload: impl AsRef<[u8]>) -> Vec<u8> {
    frame(FIN | CONTINUATION, payload)
}

/// A ping.
#[must_use]
pub fn ping(payload: impl AsRef<[u8]>) -> Vec<u8> {
    frame(FIN | PING, payload)
}

/// A pong.
#[must_use]
pub fn pong(payload: impl AsRef<[u8]>) -> Vec<u8> {
    frame(FIN | PONG, payload)
}

/// A good-bye.
#[must_use]
pub fn close(code: u16, reason: impl AsRef<[u8]>) -> Vec<u8> {
    frame(FIN | CLOSE, [&code.to_be_bytes(), reason.as_ref()].concat())
}

/// A message in pieces of this size.
#[must_use]
pub fn fragmented(opcode: u8, payload: &[u8], size: usize) -> Vec<u8> {
    let count = payload.len().div_ceil(size);
    let frames = payload.chunks(size).enumerate().map(|(nth, piece)| {
        let fin = if nth + 1 == count { FIN } else { 0 };
        frame(fin | if nth == 0 { opcode } else { CONTINUATION }, piece)
    });
    frames.collect::<Vec<_>>().concat()
}

/// The first frame in these bytes, when it is complete: its first byte, its payload, and how long it was.
#[must_use]
pub fn first_frame(bytes: &[u8]) -> Option<(u8, &[u8], usize)> {
    let (header, length) = match *bytes {
        [_, length @ 0..126, ..] => (2, usize::from(length)),
        [_, 126, high, low, ..] => (4, usize::from(u16::from_be_bytes([high, low]))),
        [_, 127, a, b, c, d, e, f, g, h, ..] => {
            (10, usize::try_from(u64::from_be_bytes([a, b, c, d, e, f, g, h])).unwrap_or(usize::MAX))
        }
        _ => return None,
    };
    let end = length.checked_add(header)?;
    Some((bytes[0], bytes.get(header..end)?, end))
}

fn header(first: u8, masked: u8, length: usize) -> Vec<u8> {
    let mut bytes = vec![first];
    match (u8::try_from(length), u16::try_from(length)) {
        (Ok(length @ 0..126), _) => bytes.push(masked | length),
        (_, Ok(length)) => {
            bytes.push(masked | 126);
            bytes.extend(length.to_be_bytes());
        }
        _ => {
            bytes.push(masked | 127);
            bytes.extend((length as u64).to_be_bytes());
        }
    }
    bytes
}
