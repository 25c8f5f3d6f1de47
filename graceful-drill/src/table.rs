//! An outcome to look at.

use std::fmt;
use std::time::Duration;

use crate::{Class, GroupOutcome, Loss, Offset, Outcome, Sent, Status};

const LABEL: usize = 24;
const CELL: usize = 15;

/// A verdict, a table with a column for each group, and the first losses. In the lines of the classes, `12 + 3` is 12
/// requests sent before the signal and 3 after it; what was not sent whole has a line of its own.
impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.fmt_verdict(f)?;
        let mut columns: Vec<&GroupOutcome> = self.groups.iter().collect();
        if columns.len() > 1 {
            columns.push(&self.total);
        }
        let table = Table { columns };
        table.fmt_load(f)?;
        table.fmt_classes(f)?;
        table.fmt_stop(f)?;
        for loss in &self.first_losses {
            write!(f, "\n{loss}")?;
        }
        Ok(())
    }
}

impl Outcome {
    fn fmt_verdict(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "drill of {}: ", self.target)?;
        match self.losses() {
            0 => write!(f, "nothing lost")?,
            losses => write!(f, "{losses} of {} lost", self.total.counts.attempts())?,
        }
        match self.signal {
            Some(signal) => {
                write!(f, "; signal after {signal:.1?}, end {:.1?} later", self.took.saturating_sub(signal))?
            }
            None => write!(f, "; took {:.1?}", self.took)?,
        }
        match self.starved {
            0 => Ok(()),
            starved => write!(f, "; {starved} times without a local port"),
        }
    }
}

/// `reset: …`, with everything that is known of it.
impl fmt::Display for Loss {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {} {}", self.class, self.group, self.client)?;
        if let Some(port) = self.local_port {
            write!(f, ", port {port}")?;
        }
        let sent = match self.sent {
            Sent::Before => "sent before",
            Sent::After => "sent after",
            Sent::Unfinished => "not sent whole",
        };
        write!(f, ", {} connection, {sent}, {} bytes out, ", self.on.name(), self.bytes_sent)?;
        write!(f, "{} bytes in, began {}, noticed {}", self.bytes_received, self.began, self.noticed)?;
        match &self.error {
            Some(error) => write!(f, ": {error}"),
            None => Ok(()),
        }
    }
}

/// `-1.5ms` or `+1.5ms`.
impl fmt::Display for Offset {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Before(by) => write!(f, "-{by:.1?}"),
            Self::After(by) => write!(f, "+{by:.1?}"),
        }
    }
}

struct Table<'a> {
    columns: Vec<&'a GroupOutcome>,
}

impl Table<'_> {
    fn fmt_load(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.row(f, "", |group| group.name.clone())?;
        self.row(f, "pattern", |group| group.pattern.to_owned())?;
        self.row(f, "clients", |group| group.clients.to_string())?;
        self.row(f, "connections", |group| group.connections.made.to_string())?;
        if self.any(|group| group.load.answers > 0) {
            self.row(f, "answers/s in the load", |group| format!("{:.0}", group.load.per_second()))?;
            self.row(f, "  p50", |group| time(group.load.latency.p50))?;
            self.row(f, "  p99", |group| time(group.load.latency.p99))?;
            self.row(f, "  max", |group| time(group.load.latency.max))?;
        }
        Ok(())
    }

    fn fmt_classes(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for class in Class::ALL {
            if class != Class::Answered && !self.any(|group| group.count(class) > 0) {
                continue;
            }
            let whole = |group: &GroupOutcome, sent| group.counts.sent(class, sent);
            let unfinished = self.any(|group| whole(group, Sent::Unfinished) > 0);
            if self.any(|group| whole(group, Sent::Before) + whole(group, Sent::After) > 0) || !unfinished {
                self.row(f, &class.to_string(), |group| {
                    format!("{} + {}", whole(group, Sent::Before), whole(group, Sent::After))
                })?;
            }
            if unfinished {
                let label = format!("{class}, not sent");
                self.row(f, &label, |group| whole(group, Sent::Unfinished).to_string())?;
            }
        }
        for status in Status::ALL {
            if status != Status::Success && self.any(|group| group.counts.status(status) > 0) {
                let label = format!("  answered {}", status.name());
                self.row(f, &label, |group| group.counts.status(status).to_string())?;
            }
        }
        self.row(f, "closed idle", |group| group.connections.closed_idle.to_string())
    }

    fn fmt_stop(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.any(|group| group.stop.answers > 0) {
            self.row(f, "last answer", |group| moment(group.stop.last_answer))?;
            self.row(f, "  longest in the stop", |group| time(group.stop.latency.max))?;
        }
        if self.any(|group| group.stop.first_refusal.is_some()) {
            self.row(f, "first refusal", |group| moment(group.stop.first_refusal))?;
        }
        if self.any(|group| group.ends.deadline > 0) {
            self.row(f, "clients at the deadline", |group| group.ends.deadline.to_string())?;
        }
        Ok(())
    }

    fn any(&self, holds: impl Fn(&GroupOutcome) -> bool) -> bool {
        self.columns.iter().any(|group| holds(group))
    }

    fn row(&self, f: &mut fmt::Formatter<'_>, label: &str, cell: impl Fn(&GroupOutcome) -> String) -> fmt::Result {
        write!(f, "\n{label:LABEL$}")?;
        for group in &self.columns {
            write!(f, " {:>CELL$}", cell(group))?;
        }
        Ok(())
    }
}

fn time(duration: Duration) -> String {
    format!("{duration:.1?}")
}

fn moment(after: Option<Duration>) -> String {
    after.map_or_else(|| "-".to_owned(), |after| Offset::After(after).to_string())
}
