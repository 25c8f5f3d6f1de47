//! The flush: the report is completed, what was provided is dropped, the logs are flushed.

use std::convert::Infallible;
use std::time::Duration;

use super::app::{App, Lifecycle};
use super::coordinator::Message;
use super::inject::Deadline;
use super::stuck;
use super::tasks::TaskState;
use crate::channel::{Missing, channel};
use crate::clock;
use crate::lifecycle::machine::Event;
use crate::lifecycle::report::TaskOutcome;
use crate::text::{owned, shown};
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
    let counts = report.connections;
    if counts.cut > 0 {
        report.miss(&format_args!("{} connections were cut at the drain's deadline", counts.cut));
    }
    if counts.refused > 0 {
        report.miss(&format_args!("{} connections were closed before they were served", counts.refused));
    }
    if counts.still_open > 0 {
        report.miss(&format_args!("{} connections are still open", counts.still_open));
    }
    if !counts.balance() {
        report.miss(&"the connection counts do not add up");
    }
    report.tasks.clear();
    for TaskState { report: mut task, thread, lost } in app.inner.tasks.states() {
        if let Some(thread) = thread {
            task.outcome = TaskOutcome::Abandoned;
            task.stuck = stuck::whereabouts(thread);
            match &task.stuck {
                Some(stuck) => report.miss(&format_args!("task {} was abandoned ({stuck})", task.name)),
                None => report.miss(&format_args!("task {} was abandoned", task.name)),
            }
        } else if lost {
            report.miss(&format_args!("task {} failed while it was stopping", task.name));
            report.lost.push(owned(&task.name));
        }
        report.tasks.push(task);
    }
}

/// Drops what is the user's: handlers, checks, provided values, hooks that never ran.
fn release_all(app: &App) {
    app.inner.engine.finish();
    app.inner.checks.clear();
    app.inner.values.clear();
    let hooks = std::mem::take(&mut app.inner.lifecycle().bodies);
    drop(hooks);
}

/// The same for a runtime that was forced to its end and whose process lives on: nobody waits for it.
pub(crate) fn release(app: &App) {
    let owner = app.clone();
    if let Err(error) = threads::spawn("gf-release", move || release_all(&owner)) {
        app.observer().error("no thread to drop values", [("error", shown(&error).into())]);
    }
}

/// Drops what was provided and the handlers, tells the report to whoever asked for it, then flushes the logs, whatever the
/// drops and the told do: both are user code, and what hangs must not cost the logs.
///
/// The drops have half of the budget, the told what is left of five eighths before their deadline and a moment after it, the logs
/// the rest.
fn release_and_flush(app: &App, budget: Duration) {
    let queue = app.inner.queue.clone();
    let (deadline, end) = (Deadline::after(budget / 8 * 5), Deadline::after(budget / 4 * 3));
    let flushed = move || queue.send(Message::Event(Event::Flushed));
    let (done, released) = channel::<Infallible>();
    let owner = app.clone();
    let release = threads::spawn("gf-release", move || {
        release_all(&owner);
        drop(done);
    });
    let observer = app.observer().clone();
    if release.is_err() {
        observer.flush(flushed);
        return;
    }
    let wait = {
        let (app, observer, flushed) = (app.clone(), observer.clone(), flushed.clone());
        threads::spawn("gf-flush", move || {
            if released.recv_timeout(budget / 2) == Err(Missing::Timeout) {
                observer.warn("values not dropped", [("after", (budget / 2).into())]);
                let mut lifecycle = app.inner.lifecycle();
                let report = lifecycle.machine.report_mut();
                report.miss(&"provided values were not dropped in time");
                report.lost.push(owned("values"));
            }
            app.inner.audience.settle(&app, deadline);
            app.inner.audience.wait(&app, end);
            drop(app);
            observer.flush(flushed);
        })
    };
    if wait.is_err() {
        observer.flush(flushed);
    }
}
