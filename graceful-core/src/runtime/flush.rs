//! The flush: the report is completed, what was provided is dropped, the logs are flushed.

use std::convert::Infallible;
use std::time::Duration;

use super::app::{App, Lifecycle};
use super::coordinator::Message;
use super::stuck;
use super::tasks::TaskState;
use crate::channel::{Missing, channel};
use crate::clock;
use crate::lifecycle::machine::Event;
use crate::lifecycle::report::TaskOutcome;
use crate::threads;

/// Completes the report and begins the flush; [`Event::Flushed`] tells when it is done.
pub(crate) fn flush(app: &App, budget: Duration) {
    let (outcome, code, took) = {
        let mut lifecycle = app.inner.lifecycle();
        complete(app, &mut lifecycle);
        lifecycle.machine.settle();
        let took =
            lifecycle.machine.requested().map_or(Duration::ZERO, |at| clock::now().saturating_duration_since(at));
        let report = lifecycle.machine.report();
        (report.outcome, report.exit_code, took)
    };
    let fields = [("outcome", outcome.name().into()), ("code", u64::from(code).into()), ("took", took.into())];
    app.observer().info("exiting", fields);
    release_and_flush(app, budget);
}

/// Adds what only the runtime knows to the report: connections and tasks.
pub(crate) fn complete(app: &App, lifecycle: &mut Lifecycle) {
    for task in lifecycle.waiting.drain(..) {
        app.inner.tasks.add(&task.planned.name, None);
    }
    let report = lifecycle.machine.report_mut();
    report.connections = app.inner.engine.counts();
    report.requests = app.inner.engine.requests();
    report.counters = app.inner.engine.counters();
    let counts = &report.connections;
    if counts.cut > 0 {
        report.incomplete.push(format!("{} connections were cut at the drain's deadline", counts.cut));
    }
    if counts.refused > 0 {
        report.incomplete.push(format!("{} connections were closed before they were served", counts.refused));
    }
    if counts.still_open > 0 {
        report.incomplete.push(format!("{} connections are still open", counts.still_open));
    }
    if !counts.balance() {
        report.incomplete.push("the connection counts do not add up".to_owned());
    }
    report.tasks.clear();
    for TaskState { report: mut task, thread, lost } in app.inner.tasks.states() {
        if let Some(thread) = thread {
            task.outcome = TaskOutcome::Abandoned;
            task.stuck = stuck::whereabouts(thread);
            let at = task.stuck.as_ref().map_or_else(String::new, |stuck| format!(" ({stuck})"));
            report.incomplete.push(format!("task {} was abandoned{at}", task.name));
        } else if lost {
            report.incomplete.push(format!("task {} failed while it was stopping", task.name));
        }
        report.tasks.push(task);
    }
}

/// Drops what was provided and the handlers, then flushes the logs, whatever the drops do: destructors are user code, and
/// one that hangs must not cost the logs.
fn release_and_flush(app: &App, budget: Duration) {
    let queue = app.inner.queue.clone();
    let late = queue.clone();
    let flushed = move || queue.send(Message::Event(Event::Flushed));
    let (done, released) = channel::<Infallible>();
    let owner = app.clone();
    let release = threads::spawn("gf-release", move || {
        owner.inner.engine.finish();
        owner.inner.checks.clear();
        owner.inner.values.clear();
        drop(done);
    });
    let observer = app.observer().clone();
    if release.is_err() {
        observer.flush(flushed);
        return;
    }
    let wait = {
        let (observer, flushed) = (observer.clone(), flushed.clone());
        threads::spawn("gf-flush", move || {
            if released.recv_timeout(budget / 2) == Err(Missing::Timeout) {
                observer.warn("values not dropped", [("after", (budget / 2).into())]);
                late.send(Message::Unreleased);
            }
            observer.flush(flushed);
        })
    };
    if wait.is_err() {
        observer.flush(flushed);
    }
}
