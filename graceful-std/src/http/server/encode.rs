//! The head of a response as bytes.

use std::time::Instant;

use ::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};

use super::date;

/// How the body of a response ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Length {
    Chunked,
    Known(u64),
    /// There is none, and none is to be announced.
    None,
    /// With the connection: for HTTP/1.0.
    UntilClose,
}

/// What the head says about the connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Announce {
    Close,
    /// To an HTTP/1.0 client that asked for it.
    KeepAlive,
    /// That it goes on goes without saying.
    Nothing,
    /// It goes on with another protocol.
    #[cfg(feature = "websocket")]
    Upgrade,
}

/// Appends the head of a response. Headers that say how the message is framed are ours to write; those among `headers` are
/// left out. `media_type` is that of the body, unless the headers name another.
pub(super) fn head(
    out: &mut Vec<u8>,
    status: StatusCode,
    headers: &HeaderMap,
    media_type: Option<&HeaderValue>,
    length: Length,
    announce: Announce,
    now: Instant,
) {
    status_line(out, status);
    let (mut dated, mut typed) = (false, false);
    for (name, value) in headers {
        if is_ours(name) {
            continue;
        }
        dated |= *name == header::DATE;
        typed |= *name == header::CONTENT_TYPE;
        out.extend_from_slice(name.as_str().as_bytes());
        out.extend_from_slice(b": ");
        out.extend_from_slice(value.as_bytes());
        out.extend_from_slice(b"\r\n");
    }
    if let Some(media_type) = media_type.filter(|_| !typed) {
        out.extend_from_slice(b"content-type: ");
        out.extend_from_slice(media_type.as_bytes());
        out.extend_from_slice(b"\r\n");
    }
    match length {
        Length::Chunked => out.extend_from_slice(b"transfer-encoding: chunked\r\n"),
        Length::Known(length) => {
            out.extend_from_slice(b"content-length: ");
            number(out, length);
            out.extend_from_slice(b"\r\n");
        }
        Length::None | Length::UntilClose => {}
    }
    match announce {
        Announce::Close => out.extend_from_slice(b"connection: close\r\n"),
        Announce::KeepAlive => out.extend_from_slice(b"connection: keep-alive\r\n"),
        Announce::Nothing => {}
        #[cfg(feature = "websocket")]
        Announce::Upgrade => out.extend_from_slice(b"connection: upgrade\r\n"),
    }
    if !dated {
        date::append(out, now);
    }
    out.extend_from_slice(b"\r\n");
}

/// The line that invites a client to send its body.
pub(super) const CONTINUE: &[u8] = b"HTTP/1.1 100 Continue\r\n\r\n";

fn status_line(out: &mut Vec<u8>, status: StatusCode) {
    if status == StatusCode::OK {
        out.extend_from_slice(b"HTTP/1.1 200 OK\r\n");
        return;
    }
    out.extend_from_slice(b"HTTP/1.1 ");
    out.extend_from_slice(status.as_str().as_bytes());
    out.push(b' ');
    out.extend_from_slice(status.canonical_reason().unwrap_or_default().as_bytes());
    out.extend_from_slice(b"\r\n");
}

fn is_ours(name: &HeaderName) -> bool {
    matches!(*name, header::CONNECTION | header::CONTENT_LENGTH | header::TRANSFER_ENCODING)
}

/// Appends a number in decimal digits.
pub(super) fn number(out: &mut Vec<u8>, mut number: u64) {
    let mut digits = [0; 20];
    let mut at = digits.len();
    loop {
        at -= 1;
        digits[at] = b'0' + (number % 10) as u8;
        number /= 10;
        if number == 0 {
            break;
        }
    }
    out.extend_from_slice(&digits[at..]);
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, SystemTime};

    use super::*;

    fn text(
        status: StatusCode,
        headers: &[(&'static str, &'static str)],
        length: Length,
        announce: Announce,
    ) -> String {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.append(*name, HeaderValue::from_static(value));
        }
        let mut out = Vec::new();
        head(&mut out, status, &map, None, length, announce, Instant::now());
        String::from_utf8(out).expect("ASCII")
    }

    #[test]
    fn framing_is_never_the_handlers() {
        let lies = [("content-length", "7"), ("transfer-encoding", "gzip"), ("connection", "upgrade"), ("x-a", "b")];
        let head = text(StatusCode::OK, &lies, Length::Known(3), Announce::Nothing);
        assert!(head.starts_with("HTTP/1.1 200 OK\r\nx-a: b\r\ncontent-length: 3\r\ndate: "), "{head}");
        assert!(head.ends_with(" GMT\r\n\r\n"), "{head}");
        assert_eq!(head.lines().count(), 5);
    }

    #[test]
    fn every_kind_of_length_and_announcement() {
        let check = |length, announce, expected: &str| {
            let head = text(StatusCode::NOT_FOUND, &[("date", "x")], length, announce);
            assert_eq!(head, format!("HTTP/1.1 404 Not Found\r\ndate: x\r\n{expected}\r\n"));
        };
        check(Length::Chunked, Announce::Nothing, "transfer-encoding: chunked\r\n");
        check(Length::None, Announce::Close, "connection: close\r\n");
        check(Length::UntilClose, Announce::Close, "connection: close\r\n");
        check(
            Length::Known(u64::MAX),
            Announce::KeepAlive,
            "content-length: 18446744073709551615\r\nconnection: keep-alive\r\n",
        );
        check(Length::Known(0), Announce::Nothing, "content-length: 0\r\n");
    }

    #[test]
    fn a_status_without_a_name_has_an_empty_reason() {
        let odd = StatusCode::from_u16(599).expect("in range");
        assert!(text(odd, &[], Length::None, Announce::Nothing).starts_with("HTTP/1.1 599 \r\n"));
    }

    #[test]
    fn the_date_is_now() {
        let head = text(StatusCode::OK, &[], Length::None, Announce::Nothing);
        let date = head.lines().find_map(|line| line.strip_prefix("date: ")).expect("a date");
        let date = httpdate::parse_http_date(date).expect("a date");
        assert!(SystemTime::now().duration_since(date).expect("not in the future") < Duration::from_secs(3));
    }
}
