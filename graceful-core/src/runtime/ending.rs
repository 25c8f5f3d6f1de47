//! The end: the report written, the process left or the report handed back.

use std::fs;
use std::sync::atomic::Ordering;
use std::time::Duration;

use super::app::Ownership;
use super::coordinator::Coordinator;
use super::flush;
use super::inject::Deadline;
use super::stop::Stage;
use super::watchdog;
use crate::channel::Missing;
use crate::lifecycle::exit::Outcome;
use crate::lifecycle::phase::Phase;
use crate::lifecycle::report::Report;
use crate::sys;
use crate::sys::emergency::EMERGENCY;
use crate::text::owned;

/// What the logs and whoever is told of the report get at a forced end: less than the watchdog leaves.
const FORCED_FLUSH: Duration = Duration::from_millis(40);

/// How the lifecycle came to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ending {
    /// Every step was taken.
    Finished,
    /// The total ran out, or a signal asked for the end: nothing is waited for.
    Forced,
}

impl Ending {
    /// Ends the runtime. Does not return when it owns the process and `main` is not there to return.
    pub(crate) fn end(self, coordinator: Coordinator, main_waits: bool) {
        let app = coordinator.app.clone();
        let owns_process = app.inner.ownership == Ownership::Process;
        // The flush has done that already.
        let releases = !owns_process && self == Self::Forced && !app.inner.lifecycle().machine.is_flushing();
        if releases {
            // The process lives on, without this service: nobody is to be served any more.
            app.inner.engine.cut();
        }
        let (flush, mut report) = {
            let mut lifecycle = app.inner.lifecycle();
            if self == Self::Forced && !lifecycle.machine.is_flushing() {
                flush::complete(&app, &mut lifecycle);
                lifecycle.machine.settle();
            }
            (lifecycle.machine.plan().budgets().flush, lifecycle.machine.take_report())
        };
        // What was cut at the deadline has come to its end since.
        report.counters = app.inner.engine.counters();
        app.inner.phase.store(Phase::Exited as u8, Ordering::SeqCst);
        if owns_process && self == Self::Finished {
            // What is left (the report, atexit handlers, static destructors) has the flush's time once more, no longer.
            EMERGENCY.set_note("while the process was exiting".to_owned());
            watchdog::end_within(flush.max(Duration::from_millis(200)));
        }
        if let Some(path) = app.inner.settings.report()
            && let Err(error) = fs::write(&path, report.to_json())
        {
            report.incomplete.push(format!("the report could not be written to {}: {error}", path.display()));
            if report.outcome == Outcome::Clean {
                report.outcome = Outcome::Incomplete;
                report.exit_code = report.outcome.exit_code(app.inner.settings.incomplete_exit_code);
            }
        }
        let summary = format!("graceful: {} {report}", report.service);
        let forced = Deadline::after(FORCED_FLUSH);
        if self == Self::Forced {
            app.inner.audience.tell(&app, &report, forced);
        }
        if releases {
            flush::release(&app);
        }
        if !owns_process {
            hand_back(coordinator, report, flush);
            return;
        }
        let code = i32::from(report.exit_code);
        let patience = if self == Self::Forced { FORCED_FLUSH } else { flush / 2 };
        if !tell_last(&coordinator, owned(&summary), patience) {
            // The logger, or whoever reads stderr, is stuck. The line may come twice, or not at all; the report is written.
            sys::write_stderr_now(format!("{summary}\n").as_bytes());
        }
        if self == Self::Forced {
            app.inner.audience.wait(&app, forced);
            sys::exit_now(code);
        }
        app.inner.stops.raise(Stage::Ended, None);
        if main_waits {
            coordinator.ended.send(report);
        } else {
            std::process::exit(code);
        }
    }
}

/// The runtime lives in somebody else's process: end every thread that will end, and hand the report over.
fn hand_back(coordinator: Coordinator, report: Report, flush: Duration) {
    let app = &coordinator.app;
    app.inner.stops.raise(Stage::Ended, None);
    app.observer().end();
    // A logger that hangs is left behind.
    let _ = coordinator.observer_ended.recv_timeout(flush);
    coordinator.ended.send(report);
}

/// Has everything told, the logs flushed once more and the summary written; `false` when that takes longer than `patience`.
fn tell_last(coordinator: &Coordinator, summary: String, patience: Duration) -> bool {
    let observer = coordinator.app.observer();
    observer.flush(|| {});
    observer.line(summary);
    observer.end();
    coordinator.observer_ended.recv_timeout(patience) == Err(Missing::Disconnected)
}
