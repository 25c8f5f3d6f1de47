//! The report as JSON, for `GRACEFUL_REPORT` and machines.

use super::hooks::Origin;
use super::json::{Item, Json};
use super::reason::{Reason, Sender};
use super::report::{HookOutcome, HookReport, PhaseReport, Report, SignalReport, TaskReport};

use crate::text::shown;

/// Version of the form: raised when a field changes its meaning or goes away.
const SCHEMA: u64 = 1;

impl Report {
    /// The report as JSON, pretty-printed, with a final line break. Times are milliseconds.
    #[must_use]
    pub fn to_json(&self) -> String {
        // Members are in the order of the alphabet.
        Json::document(|json| {
            json.object("connections", |json| self.connections(json));
            json.object("counters", |json| {
                for group in &self.counters {
                    json.object(group.name, |json| {
                        for (name, value) in &group.values {
                            json.put(name, Item::Number(*value));
                        }
                    });
                }
            });
            json.put("exit_code", Item::Number(self.exit_code.into()));
            json.list("hooks", &self.hooks, hook);
            json.texts("incomplete", &self.incomplete);
            json.put("open_at_request", Item::Number(self.open_at_request));
            json.put("outcome", Item::Text(self.outcome.name()));
            json.list("phases", &self.phases, phase);
            json.put("pid", Item::Number(std::process::id().into()));
            json.object("reason", |json| reason(json, &self.reason));
            json.put("requested_at_unix_ms", Item::Number(self.requested_at_unix_ms));
            json.object("requests", |json| {
                json.put("answered", Item::Number(self.requests.answered));
                json.put("received", Item::Number(self.requests.received));
            });
            json.put("schema", Item::Number(SCHEMA));
            json.put("service", Item::Text(&self.service));
            json.list("signals", &self.signals, signal);
            json.list("tasks", &self.tasks, task);
            json.list("tickets_still_out", &self.tickets, |json, (name, count)| {
                json.put("count", Item::Number(*count as u64));
                json.put("name", Item::Text(name));
            });
            json.put("timeout_ms", Item::Millis(self.timeout));
            json.put("took_ms", Item::Millis(self.took));
        })
    }

    fn connections(&self, json: &mut Json) {
        let counts = &self.connections;
        let all = [
            ("closed_idle", counts.closed_idle),
            ("completed", counts.completed),
            ("cut", counts.cut),
            ("failed", counts.failed),
            ("handed_over", counts.handed_over),
            ("refused", counts.refused),
            ("still_open", counts.still_open),
        ];
        json.put("accepted", Item::Number(counts.accepted));
        json.put("balanced", Item::Bool(counts.balance()));
        for (key, count) in all {
            json.put(key, Item::Number(count));
        }
    }
}

/// Where something was declared, as the member `origin`.
#[inline(never)]
pub(crate) fn origin(json: &mut Json, origin: Option<&Origin>) {
    let Some(origin) = origin else { return json.put("origin", Item::Null) };
    json.object("origin", |json| {
        json.put("crate", Item::Text(origin.krate));
        json.put("file", Item::Text(origin.file));
        json.put("line", Item::Number(origin.line.into()));
        json.put("module", Item::Text(origin.module));
    });
}

fn reason(json: &mut Json, reason: &Reason) {
    json.put("kind", Item::Text(reason.kind()));
    if let Reason::Signal { signal, sender: from } = reason {
        sender(json, *from);
        json.put("signal", Item::Text(signal.name()));
    }
    json.put("text", Item::Text(&shown(&reason)));
}

/// Who sent a signal, as the member `sender`.
#[inline(never)]
fn sender(json: &mut Json, sender: Option<Sender>) {
    let Some(sender) = sender else { return json.put("sender", Item::Null) };
    json.object("sender", |json| {
        json.put("pid", Item::Number(sender.pid.into()));
        json.put("uid", Item::Number(sender.uid.into()));
    });
}

fn signal(json: &mut Json, report: &SignalReport) {
    json.put("at_ms", Item::Millis(report.at));
    json.put("effect", Item::Text(report.effect));
    sender(json, report.sender);
    json.put("signal", Item::Text(report.signal.name()));
}

fn phase(json: &mut Json, report: &PhaseReport) {
    json.put("began_ms", Item::Millis(report.began));
    json.put("budget_ms", Item::Millis(report.budget));
    json.put("end", Item::Text(report.end.name()));
    json.put("phase", Item::Text(report.phase.name()));
    json.put("took_ms", Item::Millis(report.took));
}

fn hook(json: &mut Json, report: &HookReport) {
    json.put("began_ms", Item::millis(report.began));
    match &report.outcome {
        HookOutcome::Failed(text) | HookOutcome::Panicked(text) => json.put("detail", Item::Text(text)),
        HookOutcome::Skipped(skip) => json.put("detail", Item::Text(&shown(&skip))),
        HookOutcome::Completed | HookOutcome::TimedOut => json.put("detail", Item::Null),
    }
    json.put("name", Item::Text(&report.name));
    json.put("order", Item::Signed(report.order.into()));
    origin(json, report.origin);
    json.put("outcome", Item::Text(report.outcome.name()));
    json.put("phase", Item::Text(report.phase.name()));
    json.put("stuck", Item::text(report.stuck.as_deref()));
    json.put("timeout_ms", Item::Millis(report.timeout));
    json.put("took_ms", Item::Millis(report.took));
}

fn task(json: &mut Json, report: &TaskReport) {
    json.put("failures", Item::Number(report.failures));
    json.put("name", Item::Text(&report.name));
    json.put("outcome", Item::Text(report.outcome.name()));
    json.put("runs", Item::Number(report.runs));
    json.put("stuck", Item::text(report.stuck.as_deref()));
}
