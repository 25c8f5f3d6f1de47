//! What a service left behind.

use std::fmt;
use std::path::Path;
use std::time::Duration;

use serde_json::Value;
use tempfile::TempDir;

use crate::SLACK;
use crate::output::{Line, transcript};

/// How a service ended, and everything it said.
#[derive(Debug)]
pub struct Exit {
    pub(crate) name: String,
    /// Its exit code, unless a signal killed it.
    pub code: Option<i32>,
    /// The signal that killed it.
    pub signal: Option<i32>,
    /// From the first signal of the test to the end of the process; `None` when none was sent.
    pub took: Option<Duration>,
    /// From the start to the end.
    pub ran: Duration,
    /// What it said on both streams, in the order of arrival.
    pub lines: Vec<Line>,
    /// Its report, if it wrote one that is JSON.
    pub report: Option<Value>,
    pub(crate) scratch: Option<TempDir>,
}

impl Exit {
    /// It ended by itself, with this code.
    #[track_caller]
    pub fn expect_code(&self, code: i32) -> &Self {
        assert_eq!((self.code, self.signal), (Some(code), None), "exit code and signal of {self}");
        self
    }

    /// From the first signal to the end it took at most `limit`, give or take what a busy machine adds.
    #[track_caller]
    pub fn expect_within(&self, limit: Duration) -> &Self {
        let took = self.took.unwrap_or_else(|| panic!("no signal was sent to {self}"));
        assert!(took <= limit + SLACK, "it took {took:?}, which is more than {limit:?}: {self}");
        self
    }

    /// From the first signal to the end it took at least `limit`.
    #[track_caller]
    pub fn expect_not_before(&self, limit: Duration) -> &Self {
        let took = self.took.unwrap_or_else(|| panic!("no signal was sent to {self}"));
        assert!(took >= limit, "it took {took:?}, which is less than {limit:?}: {self}");
        self
    }

    /// The report has this outcome and the code of the process.
    #[track_caller]
    pub fn expect_outcome(&self, outcome: &str) -> &Self {
        let report = self.report();
        assert_eq!(report["outcome"], outcome, "outcome in the report of {self}");
        assert_eq!(report["exit_code"].as_i64(), self.code.map(i64::from), "exit code in the report of {self}");
        self
    }

    /// Something in the report's list of what was left undone contains this text.
    #[track_caller]
    pub fn expect_incomplete(&self, text: &str) -> &Self {
        let list = self.incomplete();
        assert!(list.iter().any(|line| line.contains(text)), "nothing incomplete with {text:?} in {list:#?} of {self}");
        self
    }

    /// The report's list of what was left undone.
    #[must_use]
    #[track_caller]
    pub fn incomplete(&self) -> Vec<String> {
        let list =
            self.report()["incomplete"].as_array().unwrap_or_else(|| panic!("no list of what is incomplete: {self}"));
        list.iter().map(|line| line.as_str().unwrap_or_default().to_owned()).collect()
    }

    /// The report.
    #[must_use]
    #[track_caller]
    pub fn report(&self) -> &Value {
        self.report.as_ref().unwrap_or_else(|| panic!("no report was written: {self}"))
    }

    /// What the report says of a hook.
    #[must_use]
    #[track_caller]
    pub fn hook(&self, name: &str) -> &Value {
        self.named("hooks", "name", name)
    }

    /// What the report says of a task.
    #[must_use]
    #[track_caller]
    pub fn task(&self, name: &str) -> &Value {
        self.named("tasks", "name", name)
    }

    /// What the report says of a phase.
    #[must_use]
    #[track_caller]
    pub fn phase(&self, name: &str) -> &Value {
        self.named("phases", "phase", name)
    }

    /// One of the report's counts of connections, which have to add up.
    #[must_use]
    #[track_caller]
    pub fn connections(&self, name: &str) -> u64 {
        let counts = &self.report()["connections"];
        assert_eq!(counts["balanced"], true, "the connections of {self}");
        counts[name].as_u64().unwrap_or_else(|| panic!("no connections are counted as {name}: {self}"))
    }

    /// So many requests were received, and all of them were answered.
    #[track_caller]
    pub fn expect_answered(&self, requests: u64) -> &Self {
        let counts = &self.report()["requests"];
        let seen = (counts["received"].as_u64(), counts["answered"].as_u64());
        assert_eq!(seen, (Some(requests), Some(requests)), "requests received and answered by {self}");
        self
    }

    /// So many connections were accepted, and each of them came to its end by itself or was closed while it was idle.
    #[track_caller]
    pub fn expect_served(&self, connections: u64) -> &Self {
        let served = self.connections("completed") + self.connections("closed_idle");
        assert_eq!((self.connections("accepted"), served), (connections, connections), "connections of {self}");
        self
    }

    /// The outcomes of all hooks, as `first=completed second=timed_out`, in the order of the report.
    #[must_use]
    #[track_caller]
    pub fn hooks(&self) -> String {
        let hooks = self.report()["hooks"].as_array().unwrap_or_else(|| panic!("no hooks in the report: {self}"));
        let text = |value: &Value| value.as_str().unwrap_or("?").to_owned();
        hooks
            .iter()
            .map(|hook| format!("{}={}", text(&hook["name"]), text(&hook["outcome"])))
            .collect::<Vec<_>>()
            .join(" ")
    }

    /// What the signals in the report did, as `SIGTERM=graceful SIGTERM=debounced`.
    #[must_use]
    #[track_caller]
    pub fn signals(&self) -> String {
        let signals = self.report()["signals"].as_array().unwrap_or_else(|| panic!("no signals in the report: {self}"));
        let text = |value: &Value| value.as_str().unwrap_or("?").to_owned();
        signals
            .iter()
            .map(|signal| format!("{}={}", text(&signal["signal"]), text(&signal["effect"])))
            .collect::<Vec<_>>()
            .join(" ")
    }

    /// The directory for the test's own files, removed with this.
    #[must_use]
    pub fn scratch(&self) -> &Path {
        // Invariant: `Running::wait` hands it over.
        self.scratch.as_ref().expect("it came from a service").path()
    }

    /// The lines on stdout.
    #[must_use]
    pub fn stdout(&self) -> Vec<&str> {
        self.lines
            .iter()
            .filter_map(|line| if let Line::Out(text) = line { Some(text.as_str()) } else { None })
            .collect()
    }

    /// The lines on stderr.
    #[must_use]
    pub fn stderr(&self) -> Vec<&str> {
        self.lines
            .iter()
            .filter_map(|line| if let Line::Err(text) = line { Some(text.as_str()) } else { None })
            .collect()
    }

    /// The first line that contains this text, on either stream; there has to be one.
    #[allow(clippy::must_use_candidate, reason = "often called to assert that the line is there")]
    #[track_caller]
    pub fn line(&self, text: &str) -> &str {
        let line = self.lines.iter().map(Line::text).find(|line| line.contains(text));
        line.unwrap_or_else(|| panic!("no line with {text:?}: {self}"))
    }

    /// Whether a line contains this text, on either stream.
    #[must_use]
    pub fn has(&self, text: &str) -> bool {
        self.lines.iter().any(|line| line.text().contains(text))
    }

    #[track_caller]
    fn named(&self, list: &str, key: &str, name: &str) -> &Value {
        let rows = self.report()[list].as_array();
        let row = rows.into_iter().flatten().find(|row| row[key] == name);
        row.unwrap_or_else(|| panic!("{name} is not among the {list} of the report: {self}"))
    }
}

impl fmt::Display for Exit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ended with ", self.name)?;
        match (self.code, self.signal) {
            (Some(code), _) => write!(f, "code {code}")?,
            (_, Some(signal)) => write!(f, "signal {signal}")?,
            _ => f.write_str("nothing known")?,
        }
        write!(f, " after {:.1?}", self.ran)?;
        if let Some(took) = self.took {
            write!(f, ", {took:.1?} after the first signal")?;
        }
        writeln!(f, ":\n{}", transcript(&self.lines))?;
        match &self.report {
            Some(report) => write!(f, "{report:#}"),
            None => f.write_str("  (no report)"),
        }
    }
}
