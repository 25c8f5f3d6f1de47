//! What a process says, line by line, as it says it.

use std::io::{BufRead as _, BufReader, Read};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

/// One line of a process, without its line break.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Line {
    /// It came on the standard output.
    Out(String),
    /// It came on the standard error.
    Err(String),
}

impl Line {
    /// The text, from wherever it came.
    #[must_use]
    pub fn text(&self) -> &str {
        match self {
            Self::Out(text) | Self::Err(text) => text,
        }
    }
}

/// The lines so far, of both streams in the order of their arrival.
#[derive(Debug, Default)]
pub(crate) struct Output {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    lines: Vec<Line>,
    /// Streams that are still read.
    open: usize,
}

impl Output {
    /// Reads a stream on a thread of its own, to its end.
    pub(crate) fn read(self: &Arc<Self>, stream: impl Read + Send + 'static, wrap: fn(String) -> Line) {
        let output = Arc::clone(self);
        output.lock().open += 1;
        thread::spawn(move || {
            let mut reader = BufReader::new(stream);
            let mut bytes = Vec::new();
            while reader.read_until(b'\n', &mut bytes).is_ok_and(|read| read > 0) {
                let text = String::from_utf8_lossy(&bytes).trim_end_matches('\n').to_owned();
                output.lock().lines.push(wrap(text));
                output.changed.notify_all();
                bytes.clear();
            }
            output.lock().open -= 1;
            output.changed.notify_all();
        });
    }

    /// The first line from `from` on that is wanted, and the place behind it; `None` when time or streams end first.
    pub(crate) fn find(&self, from: usize, wanted: impl Fn(&Line) -> bool, timeout: Duration) -> Option<(Line, usize)> {
        let mut looked = from;
        self.wait(timeout, |state| {
            let nth = state.lines[looked.min(state.lines.len())..].iter().position(&wanted);
            if let Some(nth) = nth {
                let place = looked + nth;
                return Some(Some((state.lines[place].clone(), place + 1)));
            }
            looked = looked.max(state.lines.len());
            (state.open == 0).then_some(None)
        })
        .flatten()
    }

    /// Waits for both streams to end: who inherited them may outlive the process.
    pub(crate) fn wait_closed(&self, timeout: Duration) {
        self.wait(timeout, |state| (state.open == 0).then_some(()));
    }

    pub(crate) fn lines(&self) -> Vec<Line> {
        self.lock().lines.clone()
    }

    fn wait<T>(&self, timeout: Duration, mut look: impl FnMut(&State) -> Option<T>) -> Option<T> {
        let deadline = Instant::now() + timeout;
        let mut state = self.lock();
        loop {
            if let Some(found) = look(&state) {
                return Some(found);
            }
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return None;
            }
            state = self.changed.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// All lines as a failed assertion shows them.
pub(crate) fn transcript(lines: &[Line]) -> String {
    let shown: Vec<String> = lines
        .iter()
        .map(|line| match line {
            Line::Out(text) => format!("  stdout | {text}"),
            Line::Err(text) => format!("  stderr | {text}"),
        })
        .collect();
    if shown.is_empty() { "  (it said nothing)".to_owned() } else { shown.join("\n") }
}
