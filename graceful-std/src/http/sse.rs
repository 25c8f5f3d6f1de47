//! Server-sent events.

use std::fmt::{self, Write as _};
use std::io::{self, Write};
use std::time::Duration;

use ::http::header::{CACHE_CONTROL, HeaderName, HeaderValue};
use graceful_core::Stop;
use serde::Serialize;

use super::body::Body;
use super::response::{self, Response};

static EVENT_STREAM: HeaderValue = HeaderValue::from_static("text/event-stream");
static NO_CACHE: HeaderValue = HeaderValue::from_static("no-cache");
/// nginx collects what it forwards unless it is told not to.
static BUFFERING: HeaderName = HeaderName::from_static("x-accel-buffering");
static NO: HeaderValue = HeaderValue::from_static("no");

/// A stream of server-sent events: `run` sends them for as long as the client listens and the service runs.
///
/// It should end when [`Events::stop`] fires; the client connects again by itself, to another instance then.
/// What is sent after the client has left fails, which ends `run` through `?`; a stream that is quiet for long notices only
/// when it sends a [`comment`](Events::comment) now and then.
/// A client that comes back names the last id that it saw in the request's `last-event-id` header.
///
/// # Blocking
/// `run` may block; it has the handler's thread until it returns.
///
/// # Examples
/// ```
/// use std::time::Duration;
/// use graceful::http::{sse, Event, Request, Response, Router};
///
/// fn clock(_: Request) -> Response {
///     sse(|events| {
///         let stop = events.stop();
///         for tick in 0.. {
///             events.send(&Event::new().event("tick").id(tick.to_string()).data("tock"))?;
///             if stop.sleep(Duration::from_secs(1)).is_err() {
///                 break;                                            // the service stops
///             }
///         }
///         Ok(())
///     })
/// }
/// # let _ = Router::new().get("/clock", clock);
/// ```
pub fn sse(run: impl FnOnce(&mut Events<'_>) -> io::Result<()> + Send + 'static) -> Response {
    let body = Body::writer(move |out| {
        let stop = out.stop();
        // The head goes out at once: a client waits for it to know that it is connected.
        out.flush()?;
        run(&mut Events { out, stop, text: String::new() })
    });
    let mut response = response::typed(&EVENT_STREAM, body);
    response.headers_mut().insert(CACHE_CONTROL, NO_CACHE.clone());
    response.headers_mut().insert(BUFFERING.clone(), NO.clone());
    response
}

/// Where the function of [`sse`] sends its events.
pub struct Events<'a> {
    out: &'a mut dyn Write,
    stop: &'a Stop,
    /// Kept, so that only the first event has to allocate.
    text: String,
}

/// An event: lines of data, and perhaps a name, an id and a delay.
///
/// Whatever is put in stays in its field. Data may have any number of lines, however they end: the client gets them back
/// with `\n` between them. A name or an id is a single line: line breaks in it, and U+0000, are left out.
///
/// # Examples
/// ```
/// use graceful::http::Event;
///
/// let event = Event::new().event("greeting").data("hello\nworld");
/// assert_eq!(event.to_string(), "event: greeting\ndata: hello\ndata: world\n\n");
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Event {
    fields: String,
}

impl Events<'_> {
    /// Sends an event, at once.
    ///
    /// # Errors
    /// The client has left, or has not taken anything for longer than the server allows.
    ///
    /// # Blocking
    /// While the client does not take what was sent before.
    pub fn send(&mut self, event: &Event) -> io::Result<()> {
        self.text.clear();
        self.text.push_str(&event.fields);
        self.finish()
    }

    /// Sends a comment, which clients ignore: it keeps proxies from giving up on a quiet stream, and finds out whether the
    /// client is still there. Every 15 seconds is usual.
    ///
    /// # Errors
    /// Those of [`send`](Events::send).
    ///
    /// # Blocking
    /// As [`send`](Events::send).
    pub fn comment(&mut self, text: &str) -> io::Result<()> {
        self.text.clear();
        for line in lines(text) {
            push_line(&mut self.text, "", line);
        }
        self.finish()
    }

    fn finish(&mut self) -> io::Result<()> {
        self.text.push('\n');
        self.out.write_all(self.text.as_bytes())?;
        self.out.flush()
    }
}

impl<'a> Events<'a> {
    /// Fires when the drain begins: time to return.
    #[must_use]
    pub fn stop(&self) -> &'a Stop {
        self.stop
    }
}

impl Event {
    /// An event without anything in it. Clients do not act on one that has no data.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds data. A second call adds further lines.
    #[must_use]
    pub fn data(mut self, text: impl AsRef<str>) -> Self {
        for line in lines(text.as_ref()) {
            push_line(&mut self.fields, "data", line);
        }
        self
    }

    /// Adds data: a value as JSON, in one line.
    ///
    /// # Errors
    /// The value cannot be serialized.
    pub fn json(self, value: &impl Serialize) -> Result<Self, serde_json::Error> {
        Ok(self.data(serde_json::to_string(value)?))
    }

    /// The name of the event, `message` for clients when there is none.
    #[must_use]
    pub fn event(mut self, name: impl AsRef<str>) -> Self {
        push_single_line(&mut self.fields, "event", name.as_ref());
        self
    }

    /// The id, which a client that comes back names. An empty one resets it.
    #[must_use]
    pub fn id(mut self, id: impl AsRef<str>) -> Self {
        push_single_line(&mut self.fields, "id", id.as_ref());
        self
    }

    /// How long the client is to wait before it connects again, in whole milliseconds.
    #[must_use]
    pub fn retry(mut self, delay: Duration) -> Self {
        push_line(&mut self.fields, "retry", &delay.as_millis().to_string());
        self
    }
}

/// As it is sent.
impl fmt::Display for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.fields)?;
        f.write_char('\n')
    }
}

impl fmt::Debug for Events<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Events").field("stop", &self.stop).finish_non_exhaustive()
    }
}

/// The lines of a text as a client would split it: they end with LF, CR, or both.
fn lines(text: &str) -> impl Iterator<Item = &str> {
    let mut rest = Some(text);
    std::iter::from_fn(move || {
        let text = rest?;
        let Some(end) = text.find(['\r', '\n']) else {
            rest = None;
            return Some(text);
        };
        let (line, after) = text.split_at(end);
        rest = Some(after.strip_prefix("\r\n").unwrap_or(&after[1..]));
        Some(line)
    })
}

fn push_line(out: &mut String, field: &str, line: &str) {
    // A client takes one space after the colon away, so a value that begins with one survives.
    out.extend([field, ": ", line, "\n"]);
}

fn push_single_line(out: &mut String, field: &str, value: &str) {
    out.extend([field, ": "]);
    // A client ignores an id with U+0000 in it.
    out.extend(value.chars().filter(|character| !matches!(character, '\r' | '\n' | '\0')));
    out.push('\n');
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::testing::sent;

    #[test]
    fn events_are_written_as_clients_read_them() {
        let check = |event: Event, text: &str| assert_eq!(event.to_string(), text);
        check(Event::new(), "\n");
        check(Event::new().data("x"), "data: x\n\n");
        check(Event::new().data(""), "data: \n\n");
        check(Event::new().data(" x"), "data:  x\n\n");
        check(Event::new().data("a").data("b"), "data: a\ndata: b\n\n");
        check(Event::new().data("a\nb\rc\r\nd\n\re"), "data: a\ndata: b\ndata: c\ndata: d\ndata: \ndata: e\n\n");
        check(Event::new().data("a\n"), "data: a\ndata: \n\n");
        check(Event::new().event("e").id("7").data("x"), "event: e\nid: 7\ndata: x\n\n");
        check(Event::new().id(""), "id: \n\n");
        check(Event::new().retry(Duration::from_secs(3)), "retry: 3000\n\n");
        check(Event::new().json(&["a\nb"]).expect("text"), "data: [\"a\\nb\"]\n\n");
    }

    #[test]
    fn nothing_leaves_its_field() {
        let hostile = "x\n\ndata: forged\r\rid: forged\r\n\r\nevent: forged\0";
        let check = |event: Event| {
            let text = event.to_string();
            assert!(!text.trim_end().contains("\n\n") && !text.contains('\r'), "{text:?}");
            for line in text.lines().filter(|line| line.contains("forged")) {
                assert!(
                    line.starts_with("data: ") && line != "data: forged" || line.starts_with("event: x"),
                    "{text:?}"
                );
            }
        };
        check(Event::new().data(hostile));
        check(Event::new().event(hostile));
        assert_eq!(Event::new().id(hostile).to_string().lines().count(), 2);
        assert_eq!(Event::new().id("a\0b").to_string(), "id: ab\n\n");
    }

    #[test]
    fn a_stream_is_what_was_sent() {
        let response = sse(|events| {
            assert!(!events.stop().is_stopping());
            events.comment("hello\nthere\r\n")?;
            events.send(&Event::new().data("1"))?;
            events.send(&Event::new().data("2"))
        });
        assert_eq!(response.headers()["content-type"], "text/event-stream");
        assert_eq!(response.headers()["cache-control"], "no-cache");
        assert_eq!(sent(response.into_body()), ": hello\n: there\n: \n\ndata: 1\n\ndata: 2\n\n");
    }
}
