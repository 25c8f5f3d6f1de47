//! The head of a request: the request line and the headers.

use std::mem::MaybeUninit;

use http::header::{HOST, HeaderName};
use http::{HeaderMap, HeaderValue, Method, Uri, Version};
use httparse::{Header, ParserConfig, Request, Status};

use super::batch::Batch;
use super::framing::Claims;
use super::scan::Scan;
use super::{Expectation, Framing, Persistence, Reject, spare, target};

/// How many headers are read into an array on the stack. More of them cost an allocation.
const HEADERS_ON_STACK: usize = 128;

/// `a:` and its CRLF.
const SHORTEST_HEADER: usize = 4;

/// How large a head may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct HeadLimits {
    /// The bytes of the request line, without its CRLF. **Default: 8 KiB**.
    pub(crate) request_line: usize,
    /// **Default: 100**.
    pub(crate) header_count: usize,
    /// All of it: the empty lines before it, the request line, the headers, the empty line. **Default: 32 KiB**.
    pub(crate) head_bytes: usize,
}

impl Default for HeadLimits {
    fn default() -> Self {
        Self { request_line: 8 * 1024, header_count: 100, head_bytes: 32 * 1024 }
    }
}

/// The head of a request, checked.
#[derive(Debug)]
pub(crate) struct Head {
    pub(crate) method: Method,
    /// With scheme and authority where the client sent the absolute form; `Host` is that authority then (RFC 9112 3.2.2).
    pub(crate) uri: Uri,
    pub(crate) version: Version,
    pub(crate) headers: HeaderMap,
    pub(crate) framing: Framing,
    pub(crate) persistence: Persistence,
    pub(crate) expectation: Expectation,
}

/// Finds heads, one after the other, in the bytes of a connection.
///
/// A head that is there at the first call, as nearly all are, is read by `httparse` at once. One that is not is followed
/// byte by byte as it comes, each byte once however small the pieces are, and read when its end is there.
/// `httparse` is more lenient than we are: whatever it refuses, and whatever of what it takes we would not, is read again
/// by the careful reader, which knows why.
#[derive(Debug, Default)]
pub(crate) struct HeadParser {
    scan: Scan,
}

impl HeadParser {
    /// Reads the head that `input` begins with: it and how many bytes it takes, or `None` while it is not complete. Then
    /// the next call must bring the same bytes and more. `batch` is that of the input that this is the rest of.
    /// After a head the parser is ready for the next one; after an error it is of no further use.
    pub(crate) fn parse<'a>(
        &mut self,
        input: &'a [u8],
        limits: &HeadLimits,
        batch: &mut Batch<'a>,
    ) -> Result<Option<(Head, usize)>, Reject> {
        if self.scan.position() == 0
            && let Some(found) = read(input, limits, batch)
        {
            return found.map(Some);
        }
        let Some(range) = self.scan.advance(input, limits)? else { return Ok(None) };
        self.scan = Scan::default();
        let end = range.end;
        match read(&input[range], limits, batch) {
            Some(found) => found.map(|(head, _)| Some((head, end))),
            None => Err(Reject::Ambiguous),
        }
    }

    /// How much of the next head lies behind it: it goes on there and never returns.
    #[cfg(test)]
    pub(super) fn looked_at(&self) -> usize {
        self.scan.position()
    }
}

/// Reads a head that is all there and breaks no rule of form; `None` for any other.
fn read<'a>(input: &'a [u8], limits: &HeadLimits, batch: &mut Batch<'a>) -> Option<Result<(Head, usize), Reject>> {
    let input = &input[..input.len().min(limits.head_bytes)];
    // `httparse` skips empty lines; here they are counted.
    if matches!(input, [] | [b'\r' | b'\n', ..]) {
        return None;
    }
    let most = limits.header_count.min(input.len() / SHORTEST_HEADER);
    if most <= HEADERS_ON_STACK {
        let mut space = [const { MaybeUninit::uninit() }; HEADERS_ON_STACK];
        tokenize(input, limits, batch, &mut space[..most])
    } else {
        tokenize(input, limits, batch, &mut vec![MaybeUninit::uninit(); most])
    }
}

fn tokenize<'a>(
    input: &'a [u8],
    limits: &HeadLimits,
    batch: &mut Batch<'a>,
    space: &mut [MaybeUninit<Header<'a>>],
) -> Option<Result<(Head, usize), Reject>> {
    let mut request = Request::new(&mut []);
    let Ok(Status::Complete(used)) =
        ParserConfig::default().parse_request_with_uninit_headers(&mut request, input, space)
    else {
        return None;
    };
    let (Some(method), Some(target), Some(minor)) = (request.method, request.path, request.version) else {
        return None;
    };
    let head = &input[..used];
    let line = method.len() + target.len() + " HTTP/1.1 ".len();
    let is_plain = line <= limits.request_line
        && target.bytes().fold(true, |all, byte| all & (byte < 0x80) & (byte != b'#'))
        && head.ends_with(b"\r\n\r\n")
        && request.headers.iter().all(|header| head[..offset(head, header.name.as_bytes())].ends_with(b"\r\n"));
    is_plain.then(|| {
        batch.prepare(head);
        Ok((assemble(batch, method, target, minor, request.headers)?, used))
    })
}

/// Makes a head of its parts, which are slices of what the batch has prepared.
fn assemble<'a>(
    batch: &Batch<'a>,
    method: &str,
    target: &'a str,
    minor: u8,
    fields: &[Header<'a>],
) -> Result<Head, Reject> {
    let version = if minor == 0 { Version::HTTP_10 } else { Version::HTTP_11 };
    let method = Method::from_bytes(method.as_bytes()).map_err(|_| Reject::Method)?;
    let uri = target::resolve(&method, batch.slice(target.as_bytes()))?;
    let mut claims = Claims::new(version);
    let mut headers = spare::take();
    headers.try_reserve(fields.len()).map_err(|_| Reject::TooManyFields)?;
    for field in fields {
        claims.note(field.name, field.value)?;
        let name = HeaderName::from_bytes(field.name.as_bytes()).map_err(|_| Reject::FieldName)?;
        let value = HeaderValue::from_maybe_shared(batch.slice(field.value)).map_err(|_| Reject::FieldValue)?;
        headers.try_append(name, value).map_err(|_| Reject::TooManyFields)?;
    }
    let (framing, persistence, expectation) = claims.resolve()?;
    if let Some(authority) = uri.authority() {
        let host = HeaderValue::from_str(authority.as_str()).map_err(|_| Reject::Target)?;
        headers.try_insert(HOST, host).map_err(|_| Reject::TooManyFields)?;
    }
    Ok(Head { method, uri, version, headers, framing, persistence, expectation })
}

/// Where a part of `whole` begins in it.
fn offset(whole: &[u8], part: &[u8]) -> usize {
    part.as_ptr().addr() - whole.as_ptr().addr()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::parser::differential::{self, Event};
    use crate::http::parser::testing::{begin, go_on, parse, with};

    #[test]
    fn more_headers_than_fit_the_stack() {
        let limits = HeadLimits { header_count: 1000, ..HeadLimits::default() };
        let bytes = format!("GET / HTTP/1.0\r\n{}\r\n", "a: b\r\n".repeat(1000));
        let (head, used) = begin(bytes.as_bytes(), &limits).expect("valid").expect("complete");
        assert_eq!((head.headers.len(), used), (1000, bytes.len()));
    }

    #[test]
    fn names_are_kept_in_order_and_values_apart() {
        let head = parse(with("B: 1\r\na: 2\r\nb: 3\r\nX-Own: 4").as_bytes()).expect("valid");
        let values = |headers: &HeaderMap, name: &str| {
            headers.get_all(name).iter().map(|value| value.to_str().expect("text").to_owned()).collect::<Vec<_>>()
        };
        assert_eq!(values(&head.headers, "b"), ["1", "3"]);
        assert_eq!(values(&head.headers, "A"), ["2"]);
        assert_eq!(values(&head.headers, "x-own"), ["4"]);
    }

    /// A request behind another one is found where that one ends, bodies included.
    #[test]
    fn requests_follow_each_other() {
        let bytes = b"POST /1 HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc\
            POST /2 HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nde\r\n0\r\nT: x\r\n\r\n\
            \r\nGET /3 HTTP/1.1\r\nHost: x\r\n\r\nGET";
        let events = differential::events(bytes, bytes.len(), &HeadLimits::default(), None);
        let text = |event: &Event| match event {
            Event::Data(data) => String::from_utf8_lossy(data).into_owned(),
            Event::End(at) => at.to_string(),
            Event::Head(seen, _) => seen.line.clone(),
            Event::Reject(reject) => reject.to_string(),
        };
        let expected = ["POST /1 HTTP/1.1", "abc", "51", "POST /2 HTTP/1.1", "de", "126", "GET /3 HTTP/1.1", "156"];
        assert_eq!(events.iter().map(text).collect::<Vec<_>>(), expected);
        differential::request(bytes, &[2, 9]);
    }

    /// However small the pieces are, a byte is looked at once on its way and once more when the head is complete.
    #[test]
    fn a_head_that_drips_in_costs_linear_time() {
        let bytes = format!("GET / HTTP/1.1\r\nHost: x\r\n{}\r\n", "a: b\r\n".repeat(90));
        let limits = HeadLimits::default();
        let mut parser = HeadParser::default();
        for end in 1..bytes.len() {
            assert!(matches!(go_on(&mut parser, &bytes.as_bytes()[..end], &limits), Ok(None)));
            assert_eq!(parser.looked_at(), end, "the next call goes on behind what was there");
        }
        assert!(matches!(go_on(&mut parser, bytes.as_bytes(), &limits), Ok(Some(_))));
        assert_eq!(parser.looked_at(), 0, "ready for the next");
    }
}
