//! What a message carries, in both directions.

use std::fmt;
use std::io::{self, Read};

use ::http::HeaderValue;
use bytes::{Buf, Bytes};
use serde::de::DeserializeOwned;

use super::body_error::BodyError;
use super::stream::BodyWriter;

/// At most this much is reserved on the word of a length that nothing has been received for yet.
const TRUSTED: u64 = 64 * 1024;

/// The body of a request or of a response.
///
/// A request's body arrives while it is read: reading it blocks until the client has sent more. A response's body is made
/// from text, bytes, a [reader](Body::reader) or a [function that writes it](Body::writer).
///
/// | made by | framing of the response |
/// |---|---|
/// | [`empty`](Body::empty), text, bytes, [`sized_reader`](Body::sized_reader) | `content-length` |
/// | [`reader`](Body::reader), [`writer`](Body::writer) | chunked (HTTP/1.1), or until the connection closes (HTTP/1.0) |
///
/// **Limits.** A request's body has the server's limit, which [`set_limit`](Body::set_limit) replaces. A body that is longer
/// is an error of the read that would pass it, and of the first one if the client has announced the length.
///
/// # Examples
/// ```
/// use graceful::http::Body;
///
/// let mut body = Body::from(r#"{"item":"tea","quantity":2}"#);
/// let order: serde_json::Value = body.json()?;
/// assert_eq!(order["item"], "tea");
/// assert!(body.is_empty());
/// # Ok::<(), graceful::http::BodyError>(())
/// ```
pub struct Body {
    kind: Kind,
    /// What the response is to say about it, unless its headers do. Never seen by users: see `IntoResponse::into_lean`.
    media_type: Option<&'static HeaderValue>,
    /// What may be read, and what has been.
    limit: u64,
    taken: u64,
}

/// What a body is made of.
pub(crate) enum Kind {
    Bytes(Bytes),
    Empty,
    /// Received from the client.
    Incoming(Box<dyn Incoming + Send>),
    Reader {
        /// Yields at most `len` bytes where a length is given; it may fail to yield that many.
        reader: Box<dyn Read + Send>,
        /// What is left of it, if it is known.
        len: Option<u64>,
    },
    Writer(WriteBody),
}

/// Writes a body; run by the server once the head is sent.
pub(crate) type WriteBody = Box<dyn FnOnce(&mut BodyWriter<'_>) -> io::Result<()> + Send>;

/// A request's body as the session receives it.
///
/// A failed read carries a [`BodyError`] (`io::Error::from(BodyError::TimedOut)`), which decides the response's status.
/// It is no [`Read`]: every service would contain all methods of that trait.
pub(crate) trait Incoming {
    /// As [`Read::read`].
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize>;

    /// What is left to be read, if the client has announced it.
    fn len_hint(&self) -> Option<u64>;
}

impl Body {
    /// A body without a byte in it.
    #[must_use]
    pub const fn empty() -> Self {
        Self::of(Kind::Empty)
    }

    /// A body that is read from `reader` while it is sent, of a length that is not known before its end.
    ///
    /// A reader that fails ends the connection, so that the client does not take what it has for the whole.
    ///
    /// # Blocking
    /// The reader may block. It runs on the thread of the handler, after the handler has returned.
    #[must_use]
    pub fn reader(reader: impl Read + Send + 'static) -> Self {
        Self::of(Kind::Reader { reader: Box::new(reader), len: None })
    }

    /// A body of `len` bytes that is read from `reader` while it is sent. What the reader has beyond that stays unread.
    ///
    /// A reader that ends early ends the connection, as one that fails does.
    ///
    /// # Blocking
    /// As [`reader`](Body::reader).
    #[must_use]
    pub fn sized_reader(reader: impl Read + Send + 'static, len: u64) -> Self {
        Self::of(Kind::Reader { reader: Box::new(reader.take(len)), len: Some(len) })
    }

    /// A body that `write` writes once the head of the response is sent: for what takes as long as the client listens.
    ///
    /// A function that fails ends the connection, as a [reader](Body::reader) that fails does; nothing runs it for a `HEAD`
    /// request, or when the response is dropped. It should look at [`BodyWriter::stop`], or the shutdown waits for it.
    /// Server-sent events have a function of their own: [`sse`](super::sse).
    ///
    /// # Blocking
    /// It may block. It runs on the thread of the handler, after the handler has returned.
    ///
    /// # Examples
    /// ```
    /// use std::io::Write;
    /// use graceful::http::Body;
    ///
    /// let countdown = Body::writer(|out| {
    ///     for left in (0..3).rev() {
    ///         writeln!(out, "{left}")?;
    ///         out.flush()?;                                        // the client sees the line now
    ///     }
    ///     Ok(())
    /// });
    /// assert_eq!(countdown.len_hint(), None);
    /// ```
    #[must_use]
    pub fn writer(write: impl FnOnce(&mut BodyWriter<'_>) -> io::Result<()> + Send + 'static) -> Self {
        Self::of(Kind::Writer(Box::new(write)))
    }

    /// A request's body, as the session receives it.
    pub(crate) fn incoming(incoming: Box<dyn Incoming + Send>, limit: u64) -> Self {
        Self { limit, ..Self::of(Kind::Incoming(incoming)) }
    }

    pub(crate) const fn of(kind: Kind) -> Self {
        Self { kind, media_type: None, limit: u64::MAX, taken: 0 }
    }

    /// How many bytes are left to be read, if that is known.
    #[must_use]
    pub fn len_hint(&self) -> Option<u64> {
        match &self.kind {
            Kind::Bytes(bytes) => Some(bytes.len() as u64),
            Kind::Empty => Some(0),
            Kind::Incoming(incoming) => incoming.len_hint(),
            Kind::Reader { len, .. } => *len,
            Kind::Writer(_) => None,
        }
    }

    /// Whether it is known that nothing is left to be read.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len_hint() == Some(0)
    }

    /// From now on at most `limit` bytes may be read, counted from the beginning of the body.
    ///
    /// **Default:** the server's limit for a request's body, none for others.
    pub fn set_limit(&mut self, limit: u64) {
        self.limit = limit;
    }

    /// Reads all that is left.
    ///
    /// # Errors
    /// [`BodyError::TooLarge`] when that is more than the limit, [`BodyError::TimedOut`] when the client takes too long,
    /// [`BodyError::Malformed`] and [`BodyError::Io`] when it sends something else or leaves, [`BodyError::Unreadable`] for a
    /// [writer](Body::writer)'s body.
    ///
    /// # Blocking
    /// Until the client has sent all of it.
    pub fn read_to_bytes(&mut self) -> Result<Bytes, BodyError> {
        let left = self.left();
        if let Kind::Bytes(bytes) = &mut self.kind
            && bytes.len() as u64 <= left
        {
            self.taken += bytes.len() as u64;
            return Ok(std::mem::take(bytes));
        }
        self.read_to_vec().map(Bytes::from)
    }

    /// Reads all that is left as UTF-8 text, whatever the request says about its character set.
    ///
    /// # Errors
    /// Those of [`read_to_bytes`](Body::read_to_bytes), and [`BodyError::NotText`].
    ///
    /// # Blocking
    /// Until the client has sent all of it.
    pub fn text(&mut self) -> Result<String, BodyError> {
        String::from_utf8(self.read_to_vec()?).map_err(|_| BodyError::NotText)
    }

    /// Reads all that is left as JSON. The media type that the request names is not looked at.
    ///
    /// # Errors
    /// Those of [`read_to_bytes`](Body::read_to_bytes), and [`BodyError::Json`].
    ///
    /// # Blocking
    /// Until the client has sent all of it.
    pub fn json<T: DeserializeOwned>(&mut self) -> Result<T, BodyError> {
        serde_json::from_slice(&self.read_to_bytes()?).map_err(BodyError::Json)
    }

    /// The `content-type` to be sent if the headers have none.
    pub(crate) fn media_type(&self) -> Option<&'static HeaderValue> {
        self.media_type
    }

    pub(crate) fn set_media_type(&mut self, media_type: Option<&'static HeaderValue>) {
        self.media_type = media_type;
    }

    pub(crate) fn kind(&self) -> &Kind {
        &self.kind
    }

    /// What it is made of, for who sends it. Its [`media_type`](Body::media_type) is to be asked for before.
    pub(crate) fn into_kind(self) -> Kind {
        self.kind
    }

    fn read_to_vec(&mut self) -> Result<Vec<u8>, BodyError> {
        let expected = self.len_hint().unwrap_or(0).min(TRUSTED);
        let mut bytes = Vec::with_capacity(usize::try_from(expected).unwrap_or(0));
        self.read_to_end(&mut bytes)?;
        Ok(bytes)
    }

    fn left(&self) -> u64 {
        self.limit.saturating_sub(self.taken)
    }

    fn read_unlimited(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match &mut self.kind {
            Kind::Bytes(bytes) => {
                let count = bytes.len().min(buffer.len());
                bytes.copy_to_slice(&mut buffer[..count]);
                Ok(count)
            }
            Kind::Empty => Ok(0),
            Kind::Incoming(incoming) => incoming.read(buffer),
            Kind::Reader { reader, len } => {
                let count = reader.read(buffer)?;
                *len = len.map(|len| len.saturating_sub(count as u64));
                Ok(count)
            }
            Kind::Writer(_) => Err(BodyError::Unreadable.into()),
        }
    }
}

/// Reads what the client sends, or what a response would send.
///
/// # Errors
/// A limit that is passed, a client that is late and the like are [`BodyError`]s inside of the `io::Error`: `?` into
/// [`Error`](super::Error) answers with their status. A [writer](Body::writer)'s body cannot be read
/// ([`io::ErrorKind::Unsupported`]).
///
/// # Blocking
/// Until the client has sent something.
impl Read for Body {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if buffer.is_empty() {
            return Ok(0);
        }
        let left = self.left();
        if self.len_hint().is_some_and(|len| len > left) {
            return Err(BodyError::TooLarge { limit: self.limit }.into());
        }
        if left == 0 {
            // The limit is reached; only the end may follow.
            return match self.read_unlimited(&mut [0])? {
                0 => Ok(0),
                _ => Err(BodyError::TooLarge { limit: self.limit }.into()),
            };
        }
        let room = usize::try_from(left).map_or(buffer.len(), |left| buffer.len().min(left));
        let count = self.read_unlimited(&mut buffer[..room])?;
        self.taken += count as u64;
        Ok(count)
    }
}

impl fmt::Debug for Body {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = match self.kind {
            Kind::Bytes(_) => "bytes",
            Kind::Empty => "empty",
            Kind::Incoming(_) => "incoming",
            Kind::Reader { .. } => "reader",
            Kind::Writer(_) => "writer",
        };
        f.debug_struct("Body").field("kind", &kind).field("len", &self.len_hint()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::borrow::Cow;

    use super::*;

    /// A request's body that arrives in pieces of at most three bytes.
    struct Slow {
        bytes: &'static [u8],
        announced: bool,
    }

    impl Incoming for Slow {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            let room = buffer.len().min(3);
            self.bytes.read(&mut buffer[..room])
        }

        fn len_hint(&self) -> Option<u64> {
            self.announced.then_some(self.bytes.len() as u64)
        }
    }

    fn slow(text: &'static str, announced: bool, limit: u64) -> Body {
        Body::incoming(Box::new(Slow { bytes: text.as_bytes(), announced }), limit)
    }

    #[test]
    fn every_readable_kind_is_read_to_its_end() {
        let check = |mut body: Body, len: Option<u64>, text: &str| {
            assert_eq!(body.len_hint(), len, "{body:?}");
            assert_eq!(body.text().expect("readable"), text);
            assert_eq!(body.text().expect("at its end"), "");
        };
        check(Body::empty(), Some(0), "");
        check(Body::from(()), Some(0), "");
        check(Body::from("text"), Some(4), "text");
        check(Body::from("text".to_owned()), Some(4), "text");
        check(Body::from(b"bytes".to_vec()), Some(5), "bytes");
        check(Body::from(&b"bytes"[..]), Some(5), "bytes");
        check(Body::from(b"bytes"), Some(5), "bytes");
        check(Body::from(Cow::Borrowed("text")), Some(4), "text");
        check(Body::reader(&b"read"[..]), None, "read");
        check(Body::sized_reader(&b"read"[..], 4), Some(4), "read");
        check(Body::sized_reader(&b"read"[..], 2), Some(2), "re");
        check(slow("0123456789", true, 10), Some(10), "0123456789");
        check(slow("0123456789", false, 10), None, "0123456789");
    }

    #[test]
    fn a_limit_is_what_may_be_read_in_all() {
        let check = |mut body: Body, limit: u64, fits: bool| {
            body.set_limit(limit);
            match body.read_to_bytes() {
                Ok(_) => assert!(fits, "limit {limit}"),
                Err(BodyError::TooLarge { limit: told }) => assert!(!fits && told == limit, "limit {limit}"),
                Err(error) => panic!("{error}"),
            }
        };
        for (limit, fits) in [(0, false), (9, false), (10, true), (11, true), (u64::MAX, true)] {
            check(Body::from("0123456789"), limit, fits);
            check(Body::reader(&b"0123456789"[..]), limit, fits);
            check(slow("0123456789", true, 1), limit, fits);
            check(slow("0123456789", false, 1), limit, fits);
        }
        check(Body::empty(), 0, true);
    }

    #[test]
    fn an_announced_length_is_refused_before_anything_is_read() {
        let mut body = slow("0123456789", true, 9);
        let error = body.read(&mut [0; 4]).expect_err("ten are announced, nine allowed");
        assert!(matches!(BodyError::from(error), BodyError::TooLarge { limit: 9 }));
        assert_eq!(body.len_hint(), Some(10), "nothing was read");
    }

    #[test]
    fn the_limit_counts_what_was_read_before() {
        let mut body = slow("0123456789", false, 6);
        let mut piece = [0; 4];
        body.read_exact(&mut piece).expect("four of six");
        assert!(matches!(body.read_to_bytes(), Err(BodyError::TooLarge { limit: 6 })));
    }

    #[test]
    fn what_a_function_writes_cannot_be_read() {
        let mut body = Body::writer(|_| Ok(()));
        let error = body.read(&mut [0]).expect_err("a writer");
        assert_eq!(error.kind(), io::ErrorKind::Unsupported);
        assert!(matches!(body.read_to_bytes(), Err(BodyError::Unreadable)));
    }

    #[test]
    fn text_and_json_say_what_is_wrong() {
        assert!(matches!(Body::from(vec![0xff]).text(), Err(BodyError::NotText)));
        assert!(matches!(Body::from("{").json::<u32>(), Err(BodyError::Json(_))));
        assert_eq!(Body::from(" 7 ").json::<u32>().expect("a number"), 7);
    }
}
