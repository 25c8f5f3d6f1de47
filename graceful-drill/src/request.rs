//! The request that the clients of a group send.

use std::io;

/// One HTTP/1.1 request and what is expected of its answer.
///
/// # Examples
/// ```
/// use graceful_drill::Request;
///
/// let request = Request::post("/orders", r#"{"item":"tea"}"#).header("content-type", "application/json");
/// ```
#[derive(Clone, Debug)]
#[must_use = "it is sent by a drill"]
pub struct Request {
    method: String,
    path: String,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
    awaits_continue: bool,
    expected: Option<Vec<u8>>,
}

/// A request as bytes.
#[derive(Clone, Debug)]
pub(crate) struct Rendered {
    pub(crate) bytes: Vec<u8>,
    /// How many of them are the head.
    pub(crate) head: usize,
    pub(crate) awaits_continue: bool,
    pub(crate) wanted: Wanted,
}

/// What an answer has to be.
#[derive(Clone, Debug, Default)]
pub(crate) struct Wanted {
    /// The body of an answer with a status of 2xx.
    pub(crate) body: Option<Vec<u8>>,
    /// The request was `HEAD`: whatever the answer says of its body, none comes.
    pub(crate) head_only: bool,
}

impl Request {
    /// A request with any method.
    pub fn new(method: impl Into<String>, path: impl Into<String>) -> Self {
        Self {
            method: method.into(),
            path: path.into(),
            headers: Vec::new(),
            body: Vec::new(),
            awaits_continue: false,
            expected: None,
        }
    }

    /// A `GET`.
    pub fn get(path: impl Into<String>) -> Self {
        Self::new("GET", path)
    }

    /// A `POST` with a body.
    pub fn post(path: impl Into<String>, body: impl Into<Vec<u8>>) -> Self {
        Self::new("POST", path).body(body)
    }

    /// Adds a header. `Host` and `Content-Length` are there without, and are left out when they are given here.
    pub fn header(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.headers.push((name.into(), value.into()));
        self
    }

    /// Sets the body.
    pub fn body(mut self, body: impl Into<Vec<u8>>) -> Self {
        self.body = body.into();
        self
    }

    /// Says `Expect: 100-continue` and sends the body once the server asks for it.
    pub fn await_continue(mut self) -> Self {
        self.awaits_continue = true;
        self
    }

    /// The body that an answer with a status of 2xx must have; any other is [invalid](crate::Class::Invalid).
    pub fn expect_body(mut self, body: impl Into<Vec<u8>>) -> Self {
        self.expected = Some(body.into());
        self
    }

    pub(crate) fn has_body(&self) -> bool {
        !self.body.is_empty()
    }

    /// `closes`: with `Connection: close`.
    pub(crate) fn render(&self, host: &str, closes: bool) -> io::Result<Rendered> {
        let mut head = format!("{} {} HTTP/1.1\r\n", token(&self.method)?, visible(&self.path)?);
        let mut line = |name: &str, value: &str| head.extend([name, ": ", value, "\r\n"]);
        if !self.gives("host") {
            line("Host", host);
        }
        for (name, value) in &self.headers {
            line(token(name)?, one_line(value)?);
        }
        let has_length = self.gives("content-length") || self.gives("transfer-encoding");
        if !has_length && (self.has_body() || matches!(self.method.as_str(), "PATCH" | "POST" | "PUT")) {
            line("Content-Length", &self.body.len().to_string());
        }
        if self.awaits_continue && !self.gives("expect") {
            line("Expect", "100-continue");
        }
        if closes && !self.gives("connection") {
            line("Connection", "close");
        }
        head.push_str("\r\n");
        let wanted = Wanted { body: self.expected.clone(), head_only: self.method == "HEAD" };
        let mut bytes = head.into_bytes();
        let head = bytes.len();
        bytes.extend_from_slice(&self.body);
        Ok(Rendered { bytes, head, awaits_continue: self.awaits_continue && self.has_body(), wanted })
    }

    fn gives(&self, name: &str) -> bool {
        self.headers.iter().any(|(given, _)| given.eq_ignore_ascii_case(name))
    }
}

fn token(text: &str) -> io::Result<&str> {
    let good = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    if !text.is_empty() && text.bytes().all(good) { Ok(text) } else { Err(bad("method or header name", text)) }
}

fn visible(text: &str) -> io::Result<&str> {
    let good = |byte: u8| byte.is_ascii_graphic();
    if !text.is_empty() && text.bytes().all(good) { Ok(text) } else { Err(bad("path", text)) }
}

fn one_line(text: &str) -> io::Result<&str> {
    if text.contains(['\r', '\n', '\0']) { Err(bad("header value", text)) } else { Ok(text) }
}

fn bad(what: &str, text: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidInput, format!("{text:?} is no {what}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_are_rendered() {
        let check = |request: Request, closes: bool, bytes: &str| {
            let rendered = request.render("h:1", closes).expect("it is a request");
            assert_eq!(String::from_utf8_lossy(&rendered.bytes), bytes);
            assert_eq!(rendered.head, bytes.find("\r\n\r\n").expect("a head ends") + 4, "{bytes}");
        };
        check(Request::get("/"), false, "GET / HTTP/1.1\r\nHost: h:1\r\n\r\n");
        check(Request::get("/").header("HOST", "x"), true, "GET / HTTP/1.1\r\nHOST: x\r\nConnection: close\r\n\r\n");
        check(Request::post("/a", "hi"), false, "POST /a HTTP/1.1\r\nHost: h:1\r\nContent-Length: 2\r\n\r\nhi");
        check(Request::post("/a", ""), false, "POST /a HTTP/1.1\r\nHost: h:1\r\nContent-Length: 0\r\n\r\n");
        let chunked = Request::post("/a", "0\r\n\r\n").header("transfer-encoding", "chunked");
        check(chunked, false, "POST /a HTTP/1.1\r\nHost: h:1\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n");
        let asks = Request::new("PUT", "/a").body("x").await_continue();
        check(asks, false, "PUT /a HTTP/1.1\r\nHost: h:1\r\nContent-Length: 1\r\nExpect: 100-continue\r\n\r\nx");
    }

    #[test]
    fn requests_that_are_none_are_refused() {
        let check = |request: Request, words: &str| {
            let error = request.render("h", false).expect_err("it is no request");
            assert!(error.to_string().contains(words), "{error}");
        };
        check(Request::get("/a b"), "path");
        check(Request::get(""), "path");
        check(Request::new("GET /", "/"), "method");
        check(Request::get("/").header("a:", "b"), "name");
        check(Request::get("/").header("a", "b\r\nc: d"), "value");
    }
}
