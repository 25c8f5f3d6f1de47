//! The request target and its host (RFC 9112 section 3.2).

use std::net::Ipv6Addr;

use bytes::Bytes;
use http::uri::Scheme;
use http::{Method, Uri};

use super::Reject;

/// The longest target that [`Uri`] holds.
const LONGEST: usize = u16::MAX as usize - 1;

/// Reads a target in one of its four forms; which are allowed depends on the method.
///
/// CONNECT asks for a tunnel. A server that is no proxy has none to give, and whatever the client sends into one that it
/// believes in must not be read as requests: it is refused.
#[inline]
pub(super) fn resolve(method: &Method, target: Bytes) -> Result<Uri, Reject> {
    if target.len() > LONGEST {
        return Err(Reject::RequestLineTooLong);
    }
    if *method == Method::CONNECT {
        return Err(if is_connect_target(&target) { Reject::Connect } else { Reject::TargetForm });
    }
    match &target[..] {
        [b'/', ..] => Uri::from_maybe_shared(target).map_err(|_| Reject::Target),
        b"*" if *method == Method::OPTIONS => Ok(Uri::from_static("*")),
        b"*" => Err(Reject::TargetForm),
        _ => absolute(target),
    }
}

/// `http://host:port/path?query`, which any server has to understand.
fn absolute(target: Bytes) -> Result<Uri, Reject> {
    if !target.windows(3).any(|window| window == b"://") {
        return Err(Reject::TargetForm);
    }
    let uri = Uri::from_maybe_shared(target).map_err(|_| Reject::Target)?;
    match (uri.scheme(), uri.authority()) {
        (Some(scheme), Some(authority)) if *scheme == Scheme::HTTP || *scheme == Scheme::HTTPS => {
            // RFC 9110 4.2.4: userinfo in it is there to deceive somebody. An empty host is invalid (4.2.1).
            if is_host(authority.as_str().as_bytes()) { Ok(uri) } else { Err(Reject::Target) }
        }
        _ => Err(Reject::Target),
    }
}

/// `uri-host [ ":" port ]` (RFC 9110 7.2). The host is not empty; the caller knows where it may be.
pub(super) fn is_host(value: &[u8]) -> bool {
    let port = match value {
        [b'[', rest @ ..] => {
            let Some(end) = rest.iter().position(|&byte| byte == b']') else { return false };
            if !is_ipv6(&rest[..end]) {
                return false;
            }
            &rest[end + 1..]
        }
        _ => {
            // Most names have no escape.
            let plain = value.iter().position(|&byte| !NAME_BYTES[usize::from(byte)]).unwrap_or(value.len());
            match value.get(plain) {
                None | Some(b':') if plain > 0 => &value[plain..],
                Some(b'%') => {
                    let end = value.iter().position(|&byte| byte == b':').unwrap_or(value.len());
                    if !is_escaped_name(&value[..end]) {
                        return false;
                    }
                    &value[end..]
                }
                _ => return false,
            }
        }
    };
    match port {
        [] | [b':'] => true,
        [b':', port @ ..] => is_port(port),
        _ => false,
    }
}

fn is_connect_target(target: &[u8]) -> bool {
    is_host(target) && target.last().is_some_and(u8::is_ascii_digit) && target.contains(&b':')
}

/// Digits, as many as there are, of a number that fits.
fn is_port(port: &[u8]) -> bool {
    let mut number = 0_u32;
    for &byte in port {
        if !byte.is_ascii_digit() {
            return false;
        }
        // Once it is too large it stays so.
        number = (number * 10 + u32::from(byte - b'0')).min(u32::from(u16::MAX) + 1);
    }
    !port.is_empty() && number <= u32::from(u16::MAX)
}

fn is_ipv6(text: &[u8]) -> bool {
    str::from_utf8(text).is_ok_and(|text| text.parse::<Ipv6Addr>().is_ok())
}

/// `reg-name` of RFC 3986 3.2.2, except for the comma: a list of hosts is a sign of two headers that somebody joined.
fn is_escaped_name(name: &[u8]) -> bool {
    let mut rest = name;
    loop {
        rest = match rest {
            [] => return true,
            [b'%', high, low, rest @ ..] if high.is_ascii_hexdigit() && low.is_ascii_hexdigit() => rest,
            [byte, rest @ ..] if is_name_byte(*byte) => rest,
            _ => return false,
        }
    }
}

const NAME_BYTES: [bool; 256] = {
    let mut bytes = [false; 256];
    let mut byte = 0;
    while byte < bytes.len() {
        bytes[byte] = is_name_byte(byte as u8);
        byte += 1;
    }
    bytes
};

const fn is_name_byte(byte: u8) -> bool {
    matches!(byte, b'0'..=b'9' | b'A'..=b'Z' | b'a'..=b'z' | b'-' | b'.' | b'_' | b'~'
        | b'!' | b'$' | b'&' | b'\'' | b'(' | b')' | b'*' | b'+' | b';' | b'=')
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::parser::testing::{check, line, parse};

    #[test]
    fn one_valid_host() {
        let check = |headers: &str, expected: Result<(), Reject>| {
            check(format!("GET / HTTP/1.1\r\n{headers}\r\n"), expected);
            let old_expected = if expected == Err(Reject::HostMissing) { Ok(()) } else { expected };
            self::check(format!("GET / HTTP/1.0\r\n{headers}\r\n"), old_expected);
        };
        check("", Err(Reject::HostMissing));
        check("Hosts: x\r\n", Err(Reject::HostMissing));
        check("Host: x\r\nHost: x\r\n", Err(Reject::HostRepeated));
        check("Host: x\r\nA: b\r\nhOST: y\r\n", Err(Reject::HostRepeated));
        check("Host:\r\nHost: x\r\n", Err(Reject::HostRepeated));
        let host = |value: &str, expected| check(&format!("Host: {value}\r\n"), expected);
        // A URI without an authority has an empty host (RFC 9112 3.2).
        for value in [
            "",
            "x",
            "X.example",
            "x:80",
            "x:",
            "x:0",
            "x:65535",
            "127.0.0.1:8080",
            "[::1]",
            "[::1]:80",
            "a_b",
            "a%20b",
            "a~!$&'()*+;=b",
        ] {
            host(value, Ok(()));
        }
        for value in [
            "user@x",
            "user:pass@x",
            "x y",
            "x, y",
            "x,y",
            "x:80:81",
            "x:65536",
            "x:-1",
            "x:+1",
            "x:8o",
            "x: 80",
            ":80",
            ":",
        ] {
            host(value, Err(Reject::HostInvalid));
        }
        for value in [
            "http://x",
            "x/",
            "x?y",
            "x#y",
            "[::1",
            "::1",
            "[::1]x",
            "[::1]80",
            "[x]",
            "[]",
            "[::1%25eth0]",
            "x%",
            "x%2",
            "x%zz",
            "x\\y",
        ] {
            host(value, Err(Reject::HostInvalid));
        }
        for value in ["é", "<x>", "x\"", "{x}", "x|y", "x^", "x`", "[v1.x]"] {
            host(value, Err(Reject::HostInvalid));
        }
    }

    #[test]
    fn target_forms_fit_methods() {
        let check = |method: &str, target: &str, expected: Result<(), Reject>| {
            check(line(&format!("{method} {target} HTTP/1.1")), expected);
        };
        for target in
            ["/", "/a/b", "/a?b=c&d", "/?", "//x", "/a:b@c", "/%00", "/a?b=/c?d", "/a|b", "/[a]", "/\"a\"", "/{a}"]
        {
            check("GET", target, Ok(()));
            check("OPTIONS", target, Ok(()));
        }
        for target in ["http://x", "http://x/", "http://x:80/a?b", "HTTPS://x/", "http://x?a", "http://[::1]:80/"] {
            check("GET", target, Ok(()));
        }
        for target in ["/<", "/>", "/`", "/a?\"b\"", "/a?<b>"] {
            check("GET", target, Err(Reject::Target));
        }
        check("OPTIONS", "*", Ok(()));
        check("GET", "*", Err(Reject::TargetForm));
        check("options", "*", Err(Reject::TargetForm));
        check("OPTIONS", "**", Err(Reject::TargetForm));
        for target in ["x", "x:80", "x/y", "?a", "index.html", ":80", "http:/x", "http:x", "a@b"] {
            check("GET", target, Err(Reject::TargetForm));
        }
        for target in
            ["http://", "http:///", "http://:80/", "http://a@x/", "http://a:b@x/", "http://x:99999/", "http://x,y/"]
        {
            check("GET", target, Err(Reject::Target));
        }
        for target in [
            "ftp://x/",
            "://x/",
            "http://x y/",
            "http://[x]/",
            "/#",
            "/a#b",
            "http://x/#",
            "#",
            "/é",
            "/\x7f",
            "/\0",
            "/a\x01b",
        ] {
            let expected = if target.contains(' ') { Reject::Version } else { Reject::Target };
            check("GET", target, Err(expected));
        }
        for target in ["x:443", "127.0.0.1:80", "[::1]:80"] {
            check("CONNECT", target, Err(Reject::Connect));
        }
        for target in ["x", "x:", ":80", "/", "*", "http://x:80/", "a@x:80", "x:80/", "x:99999", "[::1]"] {
            check("CONNECT", target, Err(Reject::TargetForm));
        }
    }

    #[test]
    fn an_absolute_target_replaces_the_host() {
        let check = |bytes: &str, uri: &str, host: &str| {
            let head = parse(bytes.as_bytes()).expect("it is valid");
            assert_eq!(head.uri.to_string(), uri, "{bytes:?}");
            let hosts = head.headers.get_all("host").iter().collect::<Vec<_>>();
            assert_eq!(hosts, [host], "{bytes:?}");
        };
        check("GET http://y:1/a?b HTTP/1.1\r\nHost: x\r\n\r\n", "http://y:1/a?b", "y:1");
        check("GET http://y HTTP/1.1\r\nHost:\r\n\r\n", "http://y/", "y");
        check("GET http://y/ HTTP/1.0\r\n\r\n", "http://y/", "y");
        check("GET /a HTTP/1.1\r\nHost: x\r\n\r\n", "/a", "x");
        self::check("GET http://y/ HTTP/1.1\r\n\r\n", Err(Reject::HostMissing));
        self::check("GET http://y/ HTTP/1.1\r\nHost: a@b\r\n\r\n", Err(Reject::HostInvalid));
    }
}
