//! WebSockets as a client writes and reads them, by hand: no more than the rows need.

use std::net::SocketAddr;

use graceful_benches::Result;

pub(crate) const TEXT: u8 = 1;
pub(crate) const BINARY: u8 = 2;
pub(crate) const CLOSE: u8 = 8;

/// The code of a Close: the server goes away.
pub(crate) const GOING_AWAY: u16 = 1001;

/// Each client has the same; a mask is against caches on the way, and here are none.
const MASK: [u8; 4] = [0x37, 0xfa, 0x21, 0x3d];

/// Those of the example in RFC 6455, section 1.3.
const KEY: &str = "dGhlIHNhbXBsZSBub25jZQ==";
const ACCEPT: &str = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=";

/// What asks for a WebSocket.
pub(crate) fn request(address: SocketAddr, path: &str) -> Vec<u8> {
    format!(
        "GET {path} HTTP/1.1\r\nHost: {address}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Key: {KEY}\r\nSec-WebSocket-Version: 13\r\n\r\n"
    )
    .into_bytes()
}

/// How long the answer to it is, if it is complete.
///
/// # Errors
/// It is not the answer that makes it a WebSocket.
pub(crate) fn greeting(bytes: &[u8]) -> Result<Option<usize>> {
    let Some(end) = bytes.windows(4).position(|end| end == b"\r\n\r\n") else { return Ok(None) };
    let head = str::from_utf8(&bytes[..end])?;
    let mut lines = head.lines();
    let status = lines.next().unwrap_or_default();
    let accepted = lines.any(|line| {
        line.split_once(':')
            .is_some_and(|(name, value)| name.eq_ignore_ascii_case("sec-websocket-accept") && value.trim() == ACCEPT)
    });
    if !status.starts_with("HTTP/1.1 101") || !accepted {
        return Err(format!("the server does not speak WebSockets here: {status}").into());
    }
    Ok(Some(end + 4))
}

/// A client's frame, whole and masked, of at most 125 bytes.
pub(crate) fn frame(opcode: u8, payload: &[u8]) -> Vec<u8> {
    let mut bytes = vec![0x80 | opcode, 0x80 | payload.len() as u8];
    bytes.extend(MASK);
    bytes.extend(payload.iter().zip(MASK.iter().cycle()).map(|(byte, mask)| byte ^ mask));
    bytes
}

/// A client's Close with this code.
pub(crate) fn close(code: u16) -> Vec<u8> {
    frame(CLOSE, &code.to_be_bytes())
}

/// A server's frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Frame<'a> {
    pub(crate) opcode: u8,
    pub(crate) payload: &'a [u8],
    /// With its head.
    pub(crate) length: usize,
}

impl Frame<'_> {
    /// That of a Close; 1005 says that there is none.
    pub(crate) fn code(&self) -> u16 {
        self.payload.first_chunk().map_or(1005, |code| u16::from_be_bytes(*code))
    }
}

/// The first frame, if it is complete.
///
/// # Errors
/// It is a fragment, masked, or longer than any that was asked for.
pub(crate) fn first(bytes: &[u8]) -> Result<Option<Frame<'_>>> {
    let [first, second, ..] = *bytes else { return Ok(None) };
    if first & 0xf0 != 0x80 || second >= 126 {
        return Err(format!("the server sends {first:#x} {second:#x}, which nobody asked for").into());
    }
    let length = 2 + usize::from(second);
    Ok(bytes.get(2..length).map(|payload| Frame { opcode: first & 0x0f, payload, length }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_are_read() {
        let check = |bytes: &[u8], wanted| assert_eq!(first(bytes).expect("a frame"), wanted, "{bytes:?}");
        check(b"", None);
        check(b"\x81\x02a", None);
        check(b"\x81\x02abc", Some(Frame { opcode: TEXT, payload: b"ab", length: 4 }));
        check(b"\x88\x02\x03\xe9", Some(Frame { opcode: CLOSE, payload: b"\x03\xe9", length: 4 }));
        assert!(first(b"\x81\x82").is_err());
        assert!(first(b"\x01\x02ab").is_err());
        assert_eq!(Frame { opcode: CLOSE, payload: b"\x03\xe9", length: 4 }.code(), GOING_AWAY);
    }

    #[test]
    fn frames_are_masked() {
        // The example of RFC 6455, section 5.7.
        assert_eq!(frame(TEXT, b"Hello"), b"\x81\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58");
    }

    #[test]
    fn a_greeting_is_understood() {
        let answer = format!("HTTP/1.1 101 Switching Protocols\r\nsec-websocket-accept: {ACCEPT}\r\n\r\n");
        assert_eq!(greeting(answer.as_bytes()).expect("an answer"), Some(answer.len()));
        assert_eq!(greeting(b"HTTP/1.1 101 Switching").expect("a beginning"), None);
        assert!(greeting(b"HTTP/1.1 404 Not Found\r\n\r\n").is_err());
    }
}
