//! The last figures, sent to a gateway.

use std::fmt::Write as _;
use std::io::{self, ErrorKind, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream, ToSocketAddrs as _};
use std::time::Duration;

use graceful_core::Deadline;

/// More of an answer than its head and the words that say what is wrong is not read.
const LONGEST_ANSWER: usize = 16 * 1024;

/// Where figures are pushed to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Gateway {
    /// As in the `Host` header.
    authority: String,
    host: String,
    port: u16,
    path: String,
}

impl Gateway {
    /// `http://host:port/path`; without a path it is the Pushgateway's for a job of the service's name.
    pub(super) fn parse(url: &str, service: &str) -> Result<Self, &'static str> {
        let uri: http::Uri = url.trim().parse().map_err(|_| EXPECTED)?;
        if uri.scheme_str() == Some("https") {
            return Err("https is not supported: push to a gateway on this machine or network, with http");
        }
        let (Some("http"), Some(authority)) = (uri.scheme_str(), uri.authority()) else { return Err(EXPECTED) };
        if authority.as_str().contains('@') {
            return Err("a user and password are not supported: leave them out");
        }
        let host = authority.host().trim_start_matches('[').trim_end_matches(']').to_owned();
        if host.is_empty() {
            return Err(EXPECTED);
        }
        let path = match uri.path_and_query().map(http::uri::PathAndQuery::as_str) {
            None | Some("/") => format!("/metrics/job/{}", encoded(service)),
            Some(path) => path.to_owned(),
        };
        Ok(Self { authority: authority.as_str().to_owned(), host, port: authority.port_u16().unwrap_or(80), path })
    }

    /// Replaces what the gateway has of the group.
    ///
    /// # Blocking
    /// Until the deadline; to look up the name may take longer.
    pub(super) fn put(&self, text: &str, deadline: Deadline) -> io::Result<()> {
        let mut stream = self.connect(deadline)?;
        stream.set_write_timeout(Some(left(deadline)?))?;
        let head = format!(
            "PUT {} HTTP/1.1\r\nhost: {}\r\ncontent-type: text/plain; version=0.0.4; charset=utf-8\r\n\
             content-length: {}\r\nconnection: close\r\n\r\n",
            self.path,
            self.authority,
            text.len()
        );
        // A gateway that refuses early says why before it has read everything.
        let written = stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(text.as_bytes()));
        match answer(&mut stream, deadline) {
            Ok((200..=299, _)) => written,
            Ok((status, why)) => Err(io::Error::other(format!("it answered {status}: {why}"))),
            Err(error) => Err(written.err().unwrap_or(error)),
        }
    }

    fn connect(&self, deadline: Deadline) -> io::Result<TcpStream> {
        let addresses: Vec<SocketAddr> = (self.host.as_str(), self.port).to_socket_addrs()?.collect();
        let mut last = io::Error::new(ErrorKind::NotFound, "the name has no address");
        for address in addresses {
            match TcpStream::connect_timeout(&address, left(deadline)?) {
                Ok(stream) => return Ok(stream),
                Err(error) => last = error,
            }
        }
        Err(last)
    }
}

const EXPECTED: &str = "write http://HOST:PORT, as in http://127.0.0.1:9091, or with the path of a group";

fn left(deadline: Deadline) -> io::Result<Duration> {
    let left = deadline.remaining();
    if left.is_zero() { Err(io::Error::new(ErrorKind::TimedOut, "it did not answer in time")) } else { Ok(left) }
}

/// The status, and the first line of the body.
fn answer(stream: &mut TcpStream, deadline: Deadline) -> io::Result<(u16, String)> {
    let mut bytes = Vec::new();
    let mut status = None;
    let mut chunk = [0; 4096];
    loop {
        stream.set_read_timeout(Some(left(deadline)?))?;
        let read = match stream.read(&mut chunk) {
            Err(error) if error.kind() == ErrorKind::Interrupted => continue,
            // A timeout of a socket is a `WouldBlock` on Unix.
            Err(error) if error.kind() == ErrorKind::WouldBlock => 0,
            Err(_) if status.is_some() => 0,
            read => read?,
        };
        bytes.extend_from_slice(&chunk[..read]);
        if status.is_none() {
            status = head(&bytes)?;
        }
        match status {
            Some((code @ 200..=299, _)) => return Ok((code, String::new())),
            Some((code, end)) if read == 0 || bytes.len() > LONGEST_ANSWER => {
                let body = String::from_utf8_lossy(&bytes[end..]);
                let line = body.lines().find(|line| line.contains(' ')).unwrap_or_default();
                return Ok((code, line.chars().take(200).collect()));
            }
            None if read == 0 => {
                left(deadline)?;
                return Err(io::Error::new(ErrorKind::UnexpectedEof, "it closed the connection without an answer"));
            }
            None if bytes.len() > LONGEST_ANSWER => return Err(not_http()),
            _ => {}
        }
    }
}

/// The status, and where the body begins, once the head is complete.
fn head(bytes: &[u8]) -> io::Result<Option<(u16, usize)>> {
    let mut headers = [httparse::EMPTY_HEADER; 64];
    let mut response = httparse::Response::new(&mut headers);
    match response.parse(bytes) {
        Ok(httparse::Status::Complete(end)) => Ok(response.code.map(|code| (code, end))),
        Ok(httparse::Status::Partial) => Ok(None),
        Err(_) => Err(not_http()),
    }
}

fn not_http() -> io::Error {
    io::Error::new(ErrorKind::InvalidData, "its answer is not HTTP")
}

/// As a segment of a path.
fn encoded(text: &str) -> String {
    let mut out = String::new();
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            // Nothing fails that writes into memory.
            let _ = write!(out, "%{byte:02X}");
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;
    use std::thread;

    use super::*;

    #[test]
    fn urls() {
        let check = |url: &str, host: &str, port: u16, path: &str| {
            let gateway = Gateway::parse(url, "my shop").expect("it is one");
            assert_eq!((gateway.host.as_str(), gateway.port, gateway.path.as_str()), (host, port, path));
        };
        check("http://gateway", "gateway", 80, "/metrics/job/my%20shop");
        check("http://gateway:9091/", "gateway", 9091, "/metrics/job/my%20shop");
        check("http://[::1]:9091/metrics/job/a/instance/b", "::1", 9091, "/metrics/job/a/instance/b");
        for (url, expected) in [
            ("https://gateway", "https is not supported"),
            ("gateway:9091", EXPECTED),
            ("", EXPECTED),
            ("http://", EXPECTED),
            ("ftp://gateway", EXPECTED),
            ("http://me:secret@gateway", "a user and password"),
            ("http://gate way", EXPECTED),
        ] {
            let error = Gateway::parse(url, "shop").expect_err(url);
            assert!(error.starts_with(expected), "{url}: {error}");
        }
    }

    /// What comes of a push to somebody who answers this, and then says nothing more until it is over.
    fn push(answer: &'static [u8], timeout: Duration) -> io::Result<()> {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let port = listener.local_addr().expect("it is bound").port();
        let gateway = thread::spawn(move || {
            let (mut stream, _) = listener.accept().expect("somebody pushes");
            let mut request = [0; 4096];
            let read = stream.read(&mut request).expect("a request");
            assert!(request[..read].starts_with(b"PUT /metrics/job/shop HTTP/1.1\r\n"));
            stream.write_all(answer).expect("it reads");
            // Until the other side closes.
            while stream.read(&mut request).is_ok_and(|read| read > 0) {}
        });
        let gateway_url = format!("http://127.0.0.1:{port}");
        let pushed = Gateway::parse(&gateway_url, "shop").expect("it is one").put("a 1\n", Deadline::after(timeout));
        gateway.join().expect("it met what it expects");
        pushed
    }

    #[test]
    fn answers() {
        let check = |answer: &'static [u8], timeout: u64, expected: &str| {
            let error = push(answer, Duration::from_millis(timeout)).expect_err("it is no success").to_string();
            assert!(error.starts_with(expected), "{error}");
        };
        push(b"HTTP/1.1 202 Accepted\r\ncontent-length: 0\r\n\r\n", Duration::from_secs(60)).expect("a success");
        push(b"HTTP/1.1 200 OK\r\n\r\n", Duration::from_secs(60)).expect("a success");
        check(b"SSH-2.0-OpenSSH_9.2\r\n", 60_000, "its answer is not HTTP");
        check(b"", 100, "it did not answer in time");
        check(b"HTTP/1.1 202", 100, "it did not answer in time");
        // The rest of the body does not come; what is known is told.
        check(
            b"HTTP/1.1 400 Bad Request\r\ncontent-length: 99\r\n\r\nno such thing\n",
            500,
            "it answered 400: no such",
        );
    }

    #[test]
    fn nobody_there() {
        let port = TcpListener::bind("127.0.0.1:0").expect("a free port").local_addr().expect("it is bound").port();
        let gateway = Gateway::parse(&format!("http://127.0.0.1:{port}"), "shop").expect("it is one");
        let error = gateway.put("a 1\n", Deadline::after(Duration::from_secs(60))).expect_err("nobody listens");
        assert_eq!(error.kind(), ErrorKind::ConnectionRefused);
    }
}
