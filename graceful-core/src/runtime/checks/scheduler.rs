//! `gf-checks`: begins runs, judges those that are late, joins their threads.

use std::io;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use super::board::{Board, Due, Hanging, Run, SharedBody, Told, UnderWay};
use super::check::Check;
use super::course::{Change, Judged};
use super::health::Checks;
use super::report::{CheckOutcome, CheckReport, CheckStatus};
use crate::lifecycle::checks::{CheckKind, Criticality};
use crate::lifecycle::machine::Event;
use crate::observe::{Field, Observer};
use crate::runtime::app::App;
use crate::runtime::coordinator::Message;
use crate::runtime::inject::Args;
use crate::runtime::stop::{Stage, Stop};
use crate::runtime::stuck;
use crate::sync::lock;
use crate::text::shown;
use crate::{clock, panics, sys, threads};

/// No wait is longer: a clock that jumps cannot keep the thread asleep for ever.
const LONGEST_WAIT: Duration = Duration::from_secs(3600);

impl Board {
    /// Takes checks on for an application.
    pub(super) fn take_on(app: &App, checks: Vec<Check>) {
        let board = app.inner.checks.get_or_init(|flags| Arc::new(Self::new(flags)));
        for check in checks {
            board.add(check);
        }
    }
}

impl Checks for Board {
    fn add(&self, check: Check) {
        self.insert(check, clock::now());
    }

    fn start(self: Arc<Self>, app: &App) -> io::Result<()> {
        if !self.open(clock::now()) {
            return Ok(());
        }
        let scheduler = Scheduler { app: app.clone(), board: self, threads: Vec::new() };
        threads::spawn("gf-checks", move || scheduler.work())?;
        Ok(())
    }

    fn stop(&self, now: Instant, observer: &Observer) -> bool {
        let closed = self.close(now);
        // Told here: a process that has nothing else to do is gone before `gf-checks` gets to run.
        for hanging in closed.hanging {
            abandon(observer, hanging);
        }
        closed.awaits
    }

    fn reports(&self) -> Vec<CheckReport> {
        self.all()
    }

    fn clear(&self) {
        self.drop_bodies();
    }
}

struct Scheduler {
    app: App,
    board: Arc<Board>,
    /// The last thread of each row.
    threads: Vec<Option<JoinHandle<()>>>,
}

impl Scheduler {
    fn work(mut self) {
        while let Some(todo) = self.board.todo(clock::now()) {
            for due in todo.due {
                self.begin(due);
            }
            for (run, thread) in todo.late {
                let stuck = thread.and_then(stuck::whereabouts);
                if let Some(told) = self.board.late(run, clock::now(), stuck) {
                    tell(self.app.observer(), told);
                }
            }
            self.board.wait(clock::until, LONGEST_WAIT);
        }
        let waited = self.board.wait_for_last(clock::until);
        for (row, handle) in self.threads.into_iter().enumerate() {
            let Some(handle) = handle else { continue };
            match self.board.under_way(row) {
                UnderWay::Hanging => {}
                UnderWay::No => join(handle),
                UnderWay::Still(hanging) => abandon(self.app.observer(), hanging),
            }
        }
        if waited {
            self.app.inner.queue.send(Message::Event(Event::TaskEnded));
        }
    }

    fn begin(&mut self, due: Due) {
        let Due { run, name, body, deadline } = due;
        if self.threads.len() <= run.row {
            self.threads.resize_with(run.row + 1, || None);
        }
        if let Some(last) = self.threads[run.row].take() {
            // Its run has ended, or this one would not begin.
            join(last);
        }
        let (app, board) = (self.app.clone(), Arc::clone(&self.board));
        // A name that the system could not take would be a panic of this thread.
        let thread_name = format!("gf-check-{}", name.replace('\0', ""));
        match threads::spawn(&thread_name, move || perform(&app, &board, run, body, deadline)) {
            Ok(thread) => self.threads[run.row] = Some(thread),
            Err(error) => {
                let outcome = CheckOutcome::Failed(format!("no thread could be started for it: {error}"));
                if let Some(told) = self.board.ended(run, clock::now(), outcome) {
                    tell(self.app.observer(), told);
                }
            }
        }
    }
}

/// Runs a check once, on its thread.
fn perform(app: &App, board: &Board, run: Run, body: SharedBody, deadline: Option<Instant>) {
    board.began(run, sys::thread_id());
    let stop = Stop::new(Arc::clone(app.stops()), Stage::Requested, Stage::Ended);
    let mut args = Args { values: app.values(), app, stop: &stop, deadline, reason: None };
    // The error is shown inside: that is user code as well.
    let outcome = panics::catch(|| match lock(&body)(&mut args) {
        Ok(()) => CheckOutcome::Passed,
        Err(error) => CheckOutcome::Failed(shown(&error)),
    });
    let outcome = outcome.unwrap_or_else(CheckOutcome::Panicked);
    if let Some(told) = board.ended(run, clock::now(), outcome) {
        tell(app.observer(), told);
    }
    // The last to hold it, when the runtime has ended meanwhile.
    panics::drop_quietly(body);
}

/// It has told its end, and all that is left is its return.
fn join(thread: JoinHandle<()>) {
    // What it runs is caught: a panic would be one of ours, and is on stderr.
    drop(thread.join());
}

fn abandon(observer: &Observer, hanging: Hanging) {
    let Hanging { name, thread } = hanging;
    let mut fields: Vec<Field> = vec![("name", name.into())];
    fields.extend(thread.and_then(stuck::whereabouts).map(|stuck| ("stuck", stuck.into())));
    observer.warn("check abandoned", fields);
}

fn tell(observer: &Observer, told: Told) {
    let change = told.change();
    let Told { name, kind, criticality, judged, failures, last } = told;
    let mut fields: Vec<Field> = vec![("name", name.into()), ("kind", kind.name().into())];
    fields.extend(last.map(|last| ("error", shown(&last).into())));
    match change {
        Some(Change { to: CheckStatus::Failing, .. }) => match (kind, criticality) {
            (CheckKind::Readiness, Criticality::Informative) => observer.warn("check failed", fields),
            _ => observer.error("check failed", fields),
        },
        Some(Change { from: CheckStatus::Failing, after, .. }) => {
            fields.push(("after", after.into()));
            observer.info("check recovered", fields);
        }
        Some(_) => observer.info("check passed", fields),
        None if judged == Judged::Late => observer.debug("check returned late", fields),
        None if failures > 0 => {
            fields.push(("failures", u64::from(failures).into()));
            observer.debug("check run failed", fields);
        }
        None => {}
    }
}
