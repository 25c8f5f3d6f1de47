//! The thread that writes, and the queue to it.

use std::io::{self, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{self, Receiver, Sender, SyncSender, TrySendError};
use std::thread;

use log::{Level, Record};

use super::Style;

/// As many lines wait for the writer.
const QUEUE: usize = 16 * 1024;

pub(super) struct Sink {
    queue: SyncSender<Message>,
    dropped: Arc<AtomicU64>,
}

enum Message {
    Flush(Sender<()>),
    Line(Vec<u8>),
}

impl Sink {
    pub(super) fn start(writer: Box<dyn Write + Send>, style: Style) -> io::Result<Self> {
        let (queue, messages) = mpsc::sync_channel(QUEUE);
        let dropped = Arc::new(AtomicU64::new(0));
        let lost = Arc::clone(&dropped);
        // Nobody joins it: it lives as long as the logger, which is the process.
        thread::Builder::new().name("gf-log".into()).spawn(move || write(writer, &messages, &lost, style))?;
        Ok(Self { queue, dropped })
    }

    /// Never waits.
    pub(super) fn send(&self, line: Vec<u8>) {
        if let Err(TrySendError::Full(_) | TrySendError::Disconnected(_)) = self.queue.try_send(Message::Line(line)) {
            self.dropped.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Waits until everything is written that was sent before: as long as the sink takes. Who cannot wait so long asks on a
    /// thread of his own, as the framework does.
    pub(super) fn flush(&self) {
        let (told, written) = mpsc::channel();
        if self.queue.send(Message::Flush(told)).is_ok() {
            // It disconnects if the thread is gone.
            let _ = written.recv();
        }
    }
}

fn write(mut writer: Box<dyn Write + Send>, messages: &Receiver<Message>, dropped: &AtomicU64, style: Style) {
    let mut lines = Vec::new();
    while let Ok(first) = messages.recv() {
        let mut flushes = Vec::new();
        for message in std::iter::once(first).chain(messages.try_iter()) {
            match message {
                Message::Line(line) => lines.extend_from_slice(&line),
                Message::Flush(told) => flushes.push(told),
            }
            if lines.len() > 64 * 1024 {
                break;
            }
        }
        // A sink that fails is tried again with what comes next; there is nobody to be told.
        let _ = writer.write_all(&lines);
        lines.clear();
        match dropped.swap(0, Ordering::Relaxed) {
            0 => {}
            lost => {
                let _ = writer.write_all(&lost_lines(style, lost));
            }
        }
        let _ = writer.flush();
        drop(flushes);
    }
}

fn lost_lines(style: Style, lost: u64) -> Vec<u8> {
    let fields = [("lines", lost)];
    let record = Record::builder()
        .args(format_args!("log lines dropped"))
        .level(Level::Warn)
        .target("graceful")
        .key_values(&fields)
        .build();
    style.line(&record)
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::*;

    /// Writes into memory, once the gate is open.
    struct Gated {
        gate: Receiver<()>,
        written: Arc<Mutex<Vec<u8>>>,
    }

    impl Write for Gated {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            let _ = self.gate.recv();
            self.written.lock().expect("no panic").extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn a_sink_that_is_stuck_costs_lines_and_no_time() {
        let (open, gate) = mpsc::channel();
        let written = Arc::new(Mutex::default());
        let sink =
            Sink::start(Box::new(Gated { gate, written: Arc::clone(&written) }), Style::Plain).expect("a thread");
        for number in 0..2 * QUEUE + 100 {
            sink.send(format!("{number}\n").into_bytes());
        }
        drop(open);
        sink.flush();
        let text = String::from_utf8(written.lock().expect("no panic").clone()).expect("text");
        let (mut lines, mut lost) = (0, 0);
        for line in text.lines() {
            match line.split_once("log lines dropped lines=") {
                Some((_, count)) => lost += count.parse::<usize>().expect("a number"),
                None => lines += 1,
            }
        }
        assert!(lines >= QUEUE && lost > 0, "{lines} {lost}");
        assert_eq!(lines + lost, 2 * QUEUE + 100);
    }
}
