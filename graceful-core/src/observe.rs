//! What happened, told to the logger by a thread of its own.
//!
//! The coordinator must never wait for user code, and a logger is user code: it may hold a lock that a stuck thread will
//! never give back. So facts go through a queue to `gf-observe`, which calls the logger; only the end of the process waits
//! for it, and only for the flush budget.

use std::borrow::Cow;
use std::convert::Infallible;
use std::fmt::{self, Write as _};
use std::io::{self, IsTerminal as _};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use log::{Level, LevelFilter};

use crate::channel::{Receiver, Sender, channel};
use crate::text::{owned, shown};

/// The target of every record: `graceful`.
pub(crate) const TARGET: &str = "graceful";

/// Tells facts to the logger. Cheap to clone; never blocks.
#[derive(Clone)]
pub(crate) struct Observer {
    sender: Sender<Message>,
    /// Level of the built-in lines on stderr, used as long as the program has installed no logger.
    fallback: LevelFilter,
}

/// One field of a fact.
pub(crate) type Field = (&'static str, Value);

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Value {
    Duration(Duration),
    Number(u64),
    Signed(i64),
    /// Most are names that the program spells: nothing to be copied, and nothing to be dropped.
    Text(Cow<'static, str>),
}

enum Message {
    Fact {
        level: Level,
        message: &'static str,
        fields: Vec<Field>,
    },
    /// A line for people, written whatever the log level is.
    Line(String),
    Flush(Box<dyn FnOnce() + Send>),
    End,
}

impl Observer {
    /// Starts `gf-observe`. The receiver disconnects when the thread has told everything and ended.
    pub(crate) fn start(fallback: LevelFilter) -> io::Result<(Self, Receiver<Infallible>)> {
        let (sender, receiver) = channel();
        let (running, ended) = channel();
        crate::threads::spawn("gf-observe", move || {
            crate::sys::block_signals();
            run(&receiver, fallback);
            drop(running);
        })?;
        Ok((Self { sender, fallback }, ended))
    }

    /// Tells a fact: a lower-case, past-tense message and its fields.
    #[inline(never)]
    pub(crate) fn tell(&self, level: Level, message: &'static str, fields: Vec<Field>) {
        if level > log::max_level().max(self.fallback) {
            return;
        }
        self.send(Message::Fact { level, message, fields });
    }

    // Not inlined: called in many places, to put a list together and send it.
    #[inline(never)]
    pub(crate) fn info(&self, message: &'static str, fields: impl Into<Vec<Field>>) {
        self.tell(Level::Info, message, fields.into());
    }

    #[inline(never)]
    pub(crate) fn warn(&self, message: &'static str, fields: impl Into<Vec<Field>>) {
        self.tell(Level::Warn, message, fields.into());
    }

    #[inline(never)]
    pub(crate) fn error(&self, message: &'static str, fields: impl Into<Vec<Field>>) {
        self.tell(Level::Error, message, fields.into());
    }

    #[inline(never)]
    pub(crate) fn debug(&self, message: &'static str, fields: impl Into<Vec<Field>>) {
        self.tell(Level::Debug, message, fields.into());
    }

    /// Writes a line to stderr, after everything told before.
    pub(crate) fn line(&self, line: String) {
        self.send(Message::Line(line));
    }

    /// Has the logger flushed after everything told before, then calls `done`.
    pub(crate) fn flush(&self, done: impl FnOnce() + Send + 'static) {
        self.send(Message::Flush(Box::new(done)));
    }

    /// Ends the thread once all before it is told.
    pub(crate) fn end(&self) {
        self.send(Message::End);
    }

    #[inline(never)]
    fn send(&self, message: Message) {
        // The receiver outlives all senders but those of the very end, when nobody listens any more.
        self.sender.send(message);
    }
}

/// Adds a field to those of a fact. Not inlined: it is done in many places.
#[inline(never)]
pub(crate) fn add(fields: &mut Vec<Field>, name: &'static str, value: Value) {
    fields.push((name, value));
}

impl fmt::Debug for Observer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Observer").field("fallback", &self.fallback).finish_non_exhaustive()
    }
}

impl From<Duration> for Value {
    fn from(value: Duration) -> Self {
        Self::Duration(value)
    }
}

impl From<u64> for Value {
    fn from(value: u64) -> Self {
        Self::Number(value)
    }
}

impl From<usize> for Value {
    fn from(value: usize) -> Self {
        Self::Number(value as u64)
    }
}

impl From<i32> for Value {
    fn from(value: i32) -> Self {
        Self::Signed(value.into())
    }
}

impl From<&'static str> for Value {
    fn from(value: &'static str) -> Self {
        Self::Text(Cow::Borrowed(value))
    }
}

impl From<String> for Value {
    fn from(value: String) -> Self {
        Self::Text(Cow::Owned(value))
    }
}

impl From<Arc<str>> for Value {
    fn from(value: Arc<str>) -> Self {
        Self::Text(Cow::Owned(owned(&value)))
    }
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Duration(value) => f.write_str(&show(*value)),
            Self::Number(value) => value.fmt(f),
            Self::Signed(value) => value.fmt(f),
            Self::Text(value) => value.fmt(f),
        }
    }
}

/// A duration as people write it: `20s`, `1.25s`, `7.3ms`.
pub(crate) fn show(duration: Duration) -> String {
    // Whole numbers: the library's way to print a fraction is many kilobytes.
    let nanos = u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX);
    if nanos == 0 {
        "0s".into()
    } else if duration.subsec_nanos() == 0 {
        crate::duration::whole(duration.as_secs())
    } else if nanos >= 1_000_000_000 {
        hundredths(rounded(nanos, 10_000_000), "s")
    } else if nanos >= 1_000_000 {
        hundredths(rounded(nanos, 100_000) * 10, "ms")
    } else {
        format!("{}us", rounded(nanos, 1000).max(1))
    }
}

/// A duration as [`show`] writes it, for what is written: no text in between that had to be dropped.
pub(crate) struct Shown(pub(crate) Duration);

impl fmt::Display for Shown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&show(self.0))
    }
}

fn rounded(number: u64, unit: u64) -> u64 {
    number / unit + u64::from(number % unit >= unit / 2)
}

fn hundredths(number: u64, unit: &str) -> String {
    let text = format!("{}.{:02}", number / 100, number % 100);
    format!("{}{unit}", text.trim_end_matches('0').trim_end_matches('.'))
}

fn run(messages: &Receiver<Message>, fallback: LevelFilter) {
    let colour = io::stderr().is_terminal();
    let warned = AtomicBool::new(false);
    while let Some(message) = messages.recv() {
        match message {
            Message::Fact { level, message, fields } => {
                if log::max_level() == LevelFilter::Off {
                    if level <= fallback {
                        write_line(&human(level, message, &fields, colour));
                    }
                } else {
                    log_fact(level, message, &fields);
                }
            }
            Message::Line(line) => write_line(&line),
            Message::Flush(done) => {
                // A logger that panics must not take the rest of the flush with it.
                let flushed = crate::panics::catch(|| log::logger().flush());
                if flushed.is_err() && !warned.swap(true, Ordering::Relaxed) {
                    write_line("graceful: the logger panicked while it was flushed");
                }
                done();
            }
            Message::End => return,
        }
    }
}

/// Straight to the descriptor: `io::stderr()` has a lock that a stuck thread may hold. A failed write has no one to be told.
fn write_line(line: &str) {
    let mut bytes = Vec::with_capacity(line.len() + 1);
    bytes.extend_from_slice(line.as_bytes());
    bytes.push(b'\n');
    crate::sys::write_stderr(&bytes);
}

fn log_fact(level: Level, message: &'static str, fields: &[Field]) {
    let source: Vec<(&str, log::kv::Value<'_>)> = fields
        .iter()
        .map(|(key, value)| {
            let value = match value {
                Value::Number(number) => log::kv::Value::from(*number),
                Value::Signed(number) => log::kv::Value::from(*number),
                Value::Text(text) => log::kv::Value::from(&**text),
                Value::Duration(_) => log::kv::Value::from_display(value),
            };
            (*key, value)
        })
        .collect();
    let told = crate::panics::catch(|| {
        log::logger().log(
            &log::Record::builder()
                .level(level)
                .target(TARGET)
                .module_path_static(Some("graceful"))
                .args(format_args!("{message}"))
                .key_values(&source.as_slice())
                .build(),
        );
    });
    if told.is_err() {
        write_line("graceful: the logger panicked");
    }
}

/// `graceful: phase changed from=serving to=draining`.
fn human(level: Level, message: &str, fields: &[Field], colour: bool) -> String {
    let mut line = String::from("graceful: ");
    let (on, off) = match level {
        _ if !colour => ("", ""),
        Level::Error => ("\x1b[31m", "\x1b[0m"),
        Level::Warn => ("\x1b[33m", "\x1b[0m"),
        _ => ("", ""),
    };
    if level <= Level::Warn {
        let _ = write!(line, "{on}{}{off}: ", level.as_str().to_ascii_lowercase());
    }
    line.push_str(message);
    for (key, value) in fields {
        let text = shown(&value);
        let quoted = text.is_empty() || text.chars().any(|c| c.is_whitespace() || c.is_control() || c == '"');
        let _ = if quoted { write!(line, " {key}={text:?}") } else { write!(line, " {key}={text}") };
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_read_well() {
        let check = |duration: Duration, text: &str| assert_eq!(show(duration), text);
        check(Duration::ZERO, "0s");
        check(Duration::from_secs(90), "1m 30s");
        check(Duration::from_millis(1250), "1.25s");
        check(Duration::from_micros(7300), "7.3ms");
        check(Duration::from_micros(7351), "7.4ms");
        check(Duration::from_micros(10_049), "10ms");
        check(Duration::from_micros(1_999_996), "2s");
        check(Duration::from_millis(100_250), "100.25s");
        check(Duration::from_micros(42), "42us");
        check(Duration::from_nanos(3), "1us");
    }

    #[test]
    fn lines_quote_what_needs_it() {
        let line = human(Level::Warn, "hook abandoned", &[("name", "db".into()), ("stuck", "in read".into())], false);
        assert_eq!(line, "graceful: warn: hook abandoned name=db stuck=\"in read\"");
        let line = human(Level::Info, "drain finished", &[("took", Duration::from_millis(2).into())], false);
        assert_eq!(line, "graceful: drain finished took=2ms");
    }
}
