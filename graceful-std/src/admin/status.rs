//! Where the service is, as JSON.

use std::time::Duration;

use graceful_core::{
    App, ConnectionCounts, HookOutcome, HookState, HookStatus, PhaseState, PhaseStatus, ShutdownStatus, Status,
    TaskStatus,
};
use serde_json::{Value, json};

use super::shutdown::Planned;

/// Every member is always there; what does not apply is `null`.
pub(super) fn status(app: &App, planned: &Planned) -> Value {
    // Asked first: readiness falls before anything else does.
    let (ready, alive) = (app.is_ready(), app.is_alive());
    let status = app.status();
    let Status { connections, requests, .. } = &status;
    json!({
        "service": status.service,
        "pid": std::process::id(),
        "phase": status.phase.name(),
        "ready": ready,
        "alive": alive,
        "in_phase_ms": millis(status.in_phase),
        "uptime_ms": millis(status.uptime),
        "timeout_ms": millis(status.timeout),
        "worst_case_ms": millis(status.worst_case),
        // Void once it stops, whoever asked for that.
        "planned": if status.shutdown.is_some() { Value::Null } else { planned.show() },
        "shutdown": status.shutdown.as_ref().map(shutdown),
        "phases": status.phases.iter().map(phase).collect::<Vec<_>>(),
        "hooks": status.hooks.iter().map(hook).collect::<Vec<_>>(),
        "tasks": status.tasks.iter().map(task).collect::<Vec<_>>(),
        "tickets": status.tickets.iter().map(|(name, count)| json!({"name": name, "count": count})).collect::<Vec<_>>(),
        "listeners": status.listeners.iter().map(ToString::to_string).collect::<Vec<_>>(),
        "connections": counts(connections),
        "requests": {"received": requests.received, "answered": requests.answered},
    })
}

/// To the microsecond.
pub(super) fn millis(duration: Duration) -> f64 {
    duration.as_micros() as f64 / 1000.0
}

fn shutdown(shutdown: &ShutdownStatus) -> Value {
    json!({
        "reason": {"kind": shutdown.reason.kind(), "text": shutdown.reason.to_string()},
        "requested_at_unix_ms": shutdown.requested_at_unix_ms,
        "since_ms": millis(shutdown.since),
        "left_ms": millis(shutdown.left),
        "incomplete": shutdown.incomplete,
    })
}

fn phase(phase: &PhaseStatus) -> Value {
    let (budget, took, left, end) = match &phase.state {
        PhaseState::Running { budget, since, left } => (Some(*budget), Some(*since), Some(*left), None),
        PhaseState::Ended(report) => (Some(report.budget), Some(report.took), None, Some(report.end.name())),
        _ => (None, None, None, None),
    };
    json!({
        "phase": phase.phase.name(),
        "state": phase.state.name(),
        "planned_ms": millis(phase.planned),
        "budget_ms": budget.map(millis),
        "took_ms": took.map(millis),
        "left_ms": left.map(millis),
        "end": end,
    })
}

fn hook(hook: &HookStatus) -> Value {
    let (took, stuck, detail) = match &hook.state {
        HookState::Running { since, stuck } => (Some(*since), stuck.as_deref(), None),
        HookState::Ended { outcome, took, stuck } => (Some(*took), stuck.as_deref(), detail(outcome)),
        _ => (None, None, None),
    };
    json!({
        "name": hook.name,
        "phase": hook.phase.name(),
        "order": hook.order,
        "timeout_ms": millis(hook.timeout),
        "state": hook.state.name(),
        "took_ms": took.map(millis),
        "stuck": stuck,
        "detail": detail,
        "origin": hook.origin.map(ToString::to_string),
    })
}

fn detail(outcome: &HookOutcome) -> Option<String> {
    match outcome {
        HookOutcome::Failed(text) | HookOutcome::Panicked(text) => Some(text.clone()),
        HookOutcome::Skipped(skip) => Some(skip.to_string()),
        _ => None,
    }
}

fn task(task: &TaskStatus) -> Value {
    json!({
        "name": task.name,
        "state": task.state.name(),
        "runs": task.runs,
        "failures": task.failures,
        "stuck": task.stuck,
    })
}

fn counts(counts: &ConnectionCounts) -> Value {
    let ConnectionCounts { accepted, completed, failed, closed_idle, cut, refused, handed_over, still_open } = counts;
    json!({
        "accepted": accepted,
        "completed": completed,
        "failed": failed,
        "closed_idle": closed_idle,
        "cut": cut,
        "refused": refused,
        "handed_over": handed_over,
        "still_open": still_open,
    })
}
