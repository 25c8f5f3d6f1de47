//! A question and its answer on a connection.

use httparse::Status;

use super::{After, Link, Place, ProbeError, Question, Until};

/// A head is never longer.
const MAX_HEAD: usize = 16 * 1024;

/// As much of a body is kept; the rest is read over, as long as there is time.
const MAX_BODY: usize = 16 * 1024;

/// More header fields than any answer to a probe has.
const MAX_FIELDS: usize = 64;

/// What a service answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// The status.
    pub status: u16,
    /// The body, or the beginning of a long one.
    pub body: Vec<u8>,
    /// Where it sends whoever asks, if it does.
    pub location: Option<String>,
    /// Whether the connection can be used again.
    pub after: After,
}

/// How the body ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Framing {
    Chunked,
    Length(u64),
    UntilEnd,
}

struct Head {
    status: u16,
    framing: Framing,
    location: Option<String>,
    after: After,
    length: usize,
}

impl Answer {
    /// Whether the status is one of success.
    #[must_use]
    pub fn is_success(&self) -> bool {
        (200..300).contains(&self.status)
    }

    /// The `status` in its body, if that is JSON: `ready`, `not_ready`, `shutting_down`.
    #[must_use]
    pub fn state(&self) -> Option<String> {
        self.field("status")
    }

    fn field(&self, name: &str) -> Option<String> {
        serde_json::from_slice::<serde_json::Value>(&self.body).ok()?[name].as_str().map(str::to_owned)
    }

    /// What it says, for people: its `message` or `status` if it is JSON, else its first line, shortened.
    #[must_use]
    pub fn says(&self) -> String {
        let text = self.field("message").or_else(|| self.state());
        let text =
            text.unwrap_or_else(|| String::from_utf8_lossy(&self.body).lines().next().unwrap_or_default().into());
        // Whatever answers is not to move the terminal's cursor.
        let shown: String = text.chars().filter(|letter| !letter.is_control()).take(200).collect();
        shown.trim().to_owned()
    }
}

impl Link {
    /// Sends a question and reads its answer.
    ///
    /// # Errors
    /// [`ProbeError`].
    pub fn ask(&mut self, place: &Place, question: Question<'_>, until: Until) -> Result<Answer, ProbeError> {
        let Question { method, path, token, after } = question;
        let host = match place {
            Place::Tcp { .. } => place.to_string(),
            Place::Unix(_) => "localhost".to_owned(),
        };
        let token = token.map(|token| format!("authorization: Bearer {token}\r\n")).unwrap_or_default();
        let length = if method == "GET" { "" } else { "content-length: 0\r\n" };
        let connection = if after == After::Close { "connection: close\r\n" } else { "" };
        let agent = concat!("graceful/", env!("CARGO_PKG_VERSION"));
        let head = format!(
            "{method} {path} HTTP/1.1\r\nhost: {host}\r\nuser-agent: {agent}\r\naccept: */*\r\n{connection}{length}{token}\r\n"
        );
        // Who closes without reading may have answered before: that answer is what is wanted.
        let sent = self.send(head.as_bytes(), until);
        self.answer(until).map_err(|error| if error.is_lost() { sent.err().unwrap_or(error) } else { error })
    }

    fn answer(&mut self, until: Until) -> Result<Answer, ProbeError> {
        self.received = 0;
        let mut bytes = Vec::new();
        let head = loop {
            match parse(&bytes)? {
                Some(head) if head.status == 101 || !(100..200).contains(&head.status) => break head,
                // Something that comes before the answer.
                Some(head) => drop(bytes.drain(..head.length)),
                None if bytes.len() >= MAX_HEAD => return Err(ProbeError::TooLarge { limit: MAX_HEAD }),
                None => self.more(&mut bytes, until)?,
            }
        };
        bytes.drain(..head.length);
        let mut body = Vec::new();
        let empty = matches!(head.status, 101 | 204 | 304);
        match head.framing {
            _ if empty => {}
            Framing::Length(length) => self.take(&mut bytes, length, &mut body, until)?,
            Framing::Chunked => self.chunks(&mut bytes, &mut body, until)?,
            Framing::UntilEnd => loop {
                keep(&mut body, &bytes);
                bytes.clear();
                match self.more(&mut bytes, until) {
                    Ok(()) => {}
                    Err(ProbeError::Ended { .. }) => break,
                    Err(error) => return Err(error),
                }
            },
        }
        let after = if head.framing == Framing::UntilEnd && !empty { After::Close } else { head.after };
        Ok(Answer { status: head.status, body, location: head.location, after })
    }

    fn chunks(&mut self, bytes: &mut Vec<u8>, body: &mut Vec<u8>, until: Until) -> Result<(), ProbeError> {
        loop {
            match httparse::parse_chunk_size(bytes) {
                Ok(Status::Complete((line, size))) => {
                    bytes.drain(..line);
                    if size == 0 {
                        return self.trailers(bytes, until);
                    }
                    self.take(bytes, size, body, until)?;
                    self.take(bytes, 2, &mut Vec::new(), until)?;
                }
                Ok(Status::Partial) if bytes.len() < MAX_HEAD => self.more(bytes, until)?,
                Ok(Status::Partial) | Err(_) => {
                    return Err(ProbeError::NotHttp { problem: "a chunk of the body has no size".to_owned() });
                }
            }
        }
    }

    /// Reads over what may follow the last chunk: lines, until an empty one.
    fn trailers(&mut self, bytes: &mut Vec<u8>, until: Until) -> Result<(), ProbeError> {
        let mut read = 0;
        loop {
            if let Some(end) = bytes.iter().position(|byte| *byte == b'\n') {
                let is_empty = end == 0 || (end == 1 && bytes[0] == b'\r');
                read += end + 1;
                bytes.drain(..=end);
                if is_empty {
                    return Ok(());
                }
            } else if read + bytes.len() > MAX_HEAD {
                return Err(ProbeError::TooLarge { limit: MAX_HEAD });
            } else {
                self.more(bytes, until)?;
            }
        }
    }

    /// Takes so many bytes of the body.
    fn take(
        &mut self,
        bytes: &mut Vec<u8>,
        mut length: u64,
        body: &mut Vec<u8>,
        until: Until,
    ) -> Result<(), ProbeError> {
        while length > 0 {
            if bytes.is_empty() {
                self.more(bytes, until)?;
            }
            let now = usize::try_from(length).map_or(bytes.len(), |length| length.min(bytes.len()));
            keep(body, &bytes[..now]);
            bytes.drain(..now);
            length -= now as u64;
        }
        Ok(())
    }

    fn more(&mut self, bytes: &mut Vec<u8>, until: Until) -> Result<(), ProbeError> {
        let mut buffer = [0; 4096];
        match self.read(&mut buffer, until)? {
            0 => Err(ProbeError::Ended { received: self.received }),
            read => {
                self.received += read;
                bytes.extend_from_slice(&buffer[..read]);
                Ok(())
            }
        }
    }
}

fn keep(body: &mut Vec<u8>, bytes: &[u8]) {
    let room = MAX_BODY.saturating_sub(body.len());
    body.extend_from_slice(&bytes[..bytes.len().min(room)]);
}

/// The head, once it is complete.
fn parse(bytes: &[u8]) -> Result<Option<Head>, ProbeError> {
    let not_http = |problem: String| ProbeError::NotHttp { problem };
    let mut fields = [httparse::EMPTY_HEADER; MAX_FIELDS];
    let mut response = httparse::Response::new(&mut fields);
    let length = match response.parse(bytes) {
        Ok(Status::Complete(length)) => length,
        Ok(Status::Partial) => return Ok(None),
        Err(error) => {
            let beginning = &bytes[..bytes.len().min(40)];
            return Err(not_http(format!("{error} in \"{}\"", beginning.escape_ascii())));
        }
    };
    // Invariant: a head that is complete has a status.
    let status = response.code.unwrap_or_default();
    let mut head = Head {
        status,
        framing: Framing::UntilEnd,
        location: None,
        after: if response.version == Some(1) { After::Keep } else { After::Close },
        length,
    };
    for field in response.headers.iter() {
        let value = String::from_utf8_lossy(field.value);
        let value = value.trim();
        match field.name.to_ascii_lowercase().as_str() {
            "content-length" if head.framing != Framing::Chunked => {
                head.framing =
                    value.parse().map(Framing::Length).map_err(|_| not_http(format!("content-length: {value}")))?;
            }
            "transfer-encoding" if value.eq_ignore_ascii_case("chunked") => head.framing = Framing::Chunked,
            "transfer-encoding" => return Err(not_http(format!("transfer-encoding: {value}"))),
            "location" => head.location = Some(value.chars().filter(|letter| !letter.is_control()).collect()),
            "connection" if value.to_ascii_lowercase().contains("close") => head.after = After::Close,
            _ => {}
        }
    }
    Ok(Some(head))
}

#[cfg(test)]
mod tests {
    use std::io::{Read as _, Write as _};
    use std::net::TcpListener;
    use std::thread;
    use std::time::Duration;

    use proptest::prelude::*;

    use super::*;
    use crate::probing::{Target, ask};

    /// Asks a server that answers these bytes, one piece after the other, and closes.
    fn answered(pieces: &[&[u8]]) -> Result<Answer, ProbeError> {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let target = Target::parse(&format!("http://{}/x", listener.local_addr().expect("bound"))).expect("a URL");
        let pieces: Vec<Vec<u8>> = pieces.iter().map(|piece| piece.to_vec()).collect();
        let server = thread::spawn(move || {
            let (mut stream, _) = listener.accept().expect("somebody asks");
            let mut request = Vec::new();
            let mut byte = [0];
            while !request.ends_with(b"\r\n\r\n") && stream.read(&mut byte).expect("readable") == 1 {
                request.push(byte[0]);
            }
            for piece in pieces {
                // Who has seen enough may be gone.
                let _ = stream.write_all(&piece);
                thread::yield_now();
            }
            String::from_utf8(request).expect("text")
        });
        let answer = ask(&target, Duration::from_secs(60), &mut |_| ());
        let request = server.join().expect("it does not panic");
        assert!(request.starts_with("GET /x HTTP/1.1\r\nhost: 127.0.0.1:"), "{request}");
        answer
    }

    #[test]
    fn every_framing() {
        for (bytes, status, body) in [
            ("HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nreadyignored", 200, "ready"),
            (
                "HTTP/1.1 503 No\r\ntransfer-encoding: chunked\r\n\r\n3\r\nnot\r\n2;x=y\r\n t\r\n0\r\nx: y\r\n\r\n",
                503,
                "not t",
            ),
            ("HTTP/1.0 200 OK\r\n\r\nto the end", 200, "to the end"),
            ("HTTP/1.1 204 No\r\n\r\n", 204, ""),
            ("HTTP/1.1 103 Early\r\nlink: x\r\n\r\nHTTP/1.1 404 No\r\ncontent-length: 0\r\n\r\n", 404, ""),
        ] {
            // In one piece, and byte by byte.
            let single: Vec<&[u8]> = bytes.as_bytes().chunks(1).collect();
            for pieces in [&[bytes.as_bytes()][..], &single] {
                let answer = answered(pieces).unwrap_or_else(|error| panic!("{bytes}: {error}"));
                assert_eq!((answer.status, answer.body.as_slice()), (status, body.as_bytes()), "{bytes}");
            }
        }
    }

    #[test]
    fn a_long_body_is_read_to_its_end_and_not_kept() {
        let body = vec![b'x'; 3 * MAX_BODY];
        let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n", body.len());
        let answer = answered(&[head.as_bytes(), &body]).expect("answered");
        assert_eq!((answer.status, answer.body.len()), (200, MAX_BODY));
    }

    #[test]
    fn what_is_no_answer_is_told_apart() {
        let check = |bytes: &[u8], what: &str| {
            let error = answered(&[bytes]).expect_err("no answer").to_string();
            assert!(error.contains(what), "{}: {error}", bytes.escape_ascii());
        };
        check(b"", "closed without an answer");
        check(b"SSH-2.0-OpenSSH_9.2\r\n", "not HTTP");
        check(b"\x15\x03\x01\x00\x02\x02\x50", "not HTTP");
        check(b"HTTP/1.1 200 OK\r\nconte", "in the middle");
        check(b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nready", "in the middle");
        check(b"HTTP/1.1 200 OK\r\ncontent-length: many\r\n\r\n", "content-length: many");
        check(b"HTTP/1.1 200 OK\r\ntransfer-encoding: gzip\r\n\r\n", "transfer-encoding: gzip");
        check(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nno size\r\n", "no size");
        let endless = [b"HTTP/1.1 200 OK\r\nx: ".as_slice(), &vec![b'y'; 2 * MAX_HEAD]].concat();
        check(&endless, "longer than 16384 bytes");
    }

    #[test]
    fn people_see_the_message_and_no_escapes() {
        let says = |body: &str| Answer { status: 503, body: body.into(), location: None, after: After::Close }.says();
        assert_eq!(says(r#"{"status":"not_ready","message":"database is failing"}"#), "database is failing");
        assert_eq!(says(r#"{"status":"ready"}"#), "ready");
        assert_eq!(says("\x1b[2Jno\nsecond"), "[2Jno");
        assert_eq!(says(""), "");
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn any_bytes_are_an_answer_or_an_error(bytes in proptest::collection::vec(any::<u8>(), 0..300), http: bool) {
            let bytes = if http { [b"HTTP/1.1 200 OK\r\n".as_slice(), &bytes].concat() } else { bytes };
            // It returns, which is all that is asked of it.
            let _ = answered(&[&bytes]);
        }
    }
}
