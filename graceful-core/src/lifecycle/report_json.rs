//! The report as JSON, for `GRACEFUL_REPORT` and machines.

use std::time::Duration;

use serde_json::{Value, json};

use super::hooks::Origin;
use super::reason::{Reason, Sender};
use super::report::{HookOutcome, HookReport, PhaseReport, Report, SignalReport, TaskReport};

/// Version of the form: raised when a field changes its meaning or goes away.
const SCHEMA: u32 = 1;

impl Report {
    /// The report as JSON, pretty-printed, with a final line break. Times are milliseconds.
    #[must_use]
    pub fn to_json(&self) -> String {
        let mut text = format!("{:#}", self.to_value());
        text.push('\n');
        text
    }

    fn to_value(&self) -> Value {
        let counts = &self.connections;
        json!({
            "schema": SCHEMA,
            "service": self.service,
            "pid": std::process::id(),
            "reason": reason(&self.reason),
            "outcome": self.outcome.name(),
            "exit_code": self.exit_code,
            "requested_at_unix_ms": self.requested_at_unix_ms,
            "took_ms": millis(self.took),
            "timeout_ms": millis(self.timeout),
            "signals": self.signals.iter().map(signal).collect::<Vec<_>>(),
            "phases": self.phases.iter().map(phase).collect::<Vec<_>>(),
            "hooks": self.hooks.iter().map(hook).collect::<Vec<_>>(),
            "tasks": self.tasks.iter().map(task).collect::<Vec<_>>(),
            "connections": {
                "accepted": counts.accepted,
                "completed": counts.completed,
                "failed": counts.failed,
                "closed_idle": counts.closed_idle,
                "cut": counts.cut,
                "refused": counts.refused,
                "handed_over": counts.handed_over,
                "still_open": counts.still_open,
                "balanced": counts.balance(),
            },
            "requests": {"received": self.requests.received, "answered": self.requests.answered},
            "tickets_still_out": self.tickets.iter().map(|(name, count)| json!({"name": name, "count": count})).collect::<Vec<_>>(),
            "incomplete": self.incomplete,
        })
    }
}

/// Milliseconds with three decimals: microseconds are what a step can be told by.
pub(crate) fn millis(duration: Duration) -> f64 {
    (duration.as_secs_f64() * 1e6).round() / 1e3
}

pub(crate) fn origin(origin: Option<&Origin>) -> Value {
    origin.map_or(
        Value::Null,
        |origin| json!({"crate": origin.krate, "module": origin.module, "file": origin.file, "line": origin.line}),
    )
}

fn reason(reason: &Reason) -> Value {
    let mut value = json!({"kind": reason.kind(), "text": reason.to_string()});
    if let Reason::Signal { signal, sender: from } = reason {
        value["signal"] = json!(signal.name());
        value["sender"] = sender(*from);
    }
    value
}

fn sender(sender: Option<Sender>) -> Value {
    sender.map_or(Value::Null, |sender| json!({"pid": sender.pid, "uid": sender.uid}))
}

fn signal(report: &SignalReport) -> Value {
    json!({
        "at_ms": millis(report.at),
        "signal": report.signal.name(),
        "sender": sender(report.sender),
        "effect": report.effect,
    })
}

fn phase(report: &PhaseReport) -> Value {
    json!({
        "phase": report.phase.name(),
        "budget_ms": millis(report.budget),
        "began_ms": millis(report.began),
        "took_ms": millis(report.took),
        "end": report.end.name(),
    })
}

fn hook(report: &HookReport) -> Value {
    let detail = match &report.outcome {
        HookOutcome::Failed(text) | HookOutcome::Panicked(text) => json!(text),
        HookOutcome::Skipped(skip) => json!(skip.to_string()),
        HookOutcome::Completed | HookOutcome::TimedOut => Value::Null,
    };
    json!({
        "name": report.name,
        "phase": report.phase.name(),
        "order": report.order,
        "timeout_ms": millis(report.timeout),
        "origin": origin(report.origin),
        "began_ms": report.began.map(millis),
        "took_ms": millis(report.took),
        "outcome": report.outcome.name(),
        "detail": detail,
        "stuck": report.stuck,
    })
}

fn task(report: &TaskReport) -> Value {
    json!({
        "name": report.name,
        "outcome": report.outcome.name(),
        "runs": report.runs,
        "failures": report.failures,
        "stuck": report.stuck,
    })
}
