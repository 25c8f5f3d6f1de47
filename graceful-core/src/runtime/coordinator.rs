//! The loop that turns what happens into events, and actions into deeds.
//!
//! It runs no user code, takes no lock that user code may hold, and blocks nowhere but in `poll`: loggers and stderr belong to
//! `gf-observe`, hooks and tasks to their threads, connections to the engine.

use std::convert::Infallible;
use std::io;
use std::sync::atomic::Ordering;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use mio::{Events, Interest, Poll, Token};

use super::app::{App, Ownership};
use super::ending::Ending;
use super::flush;
use super::hooks::Job;
use super::stop::Stage;
use super::stuck;
use super::watchdog;
use crate::channel::{Receiver, Sender};
use crate::clock;
use crate::engine::{self, EngineEvent};
use crate::lifecycle::machine::{Action, Event};
use crate::lifecycle::phase::Phase;
use crate::lifecycle::plan::HookId;
use crate::lifecycle::reason::{Reason, SignalAction};
use crate::lifecycle::report::{HookOutcome, Report};
use crate::observe::{Field, add};
use crate::sys::emergency::{EMERGENCY, Record, WATCHDOG_MARGIN};
use crate::text::{owned, shown};
use crate::{sys, threads};

pub(crate) const WAKE: Token = Token(0);
const SIGNALS: Token = Token(1);

/// No wait is longer: a clock that jumps cannot keep the loop asleep for ever.
const LONGEST_POLL: Duration = Duration::from_secs(3600);

/// What the coordinator is told.
#[derive(Debug)]
pub(crate) enum Message {
    Engine(EngineEvent),
    Event(Event),
    HookDone(HookId, HookOutcome),
    /// `main` has returned and its thread waits for the exit code.
    MainWaits,
    Reload,
    /// The last ticket came back.
    TicketsEmpty,
}

pub(crate) struct Coordinator {
    pub(crate) app: App,
    pub(crate) poll: Poll,
    pub(crate) messages: Receiver<Message>,
    pub(crate) signals: Option<sys::SignalSource>,
    pub(crate) ended: Sender<Report>,
    pub(crate) observer_ended: Receiver<Infallible>,
}

impl Coordinator {
    /// Starts `gf-coordinator`.
    pub(crate) fn start(mut self) -> io::Result<JoinHandle<()>> {
        #[cfg(unix)]
        if let Some(signals) = &mut self.signals {
            self.poll.registry().register(&mut signals.pipe, SIGNALS, Interest::READABLE)?;
        }
        #[cfg(not(unix))]
        let _ = (&mut self, Interest::READABLE, SIGNALS);
        threads::spawn("gf-coordinator", move || {
            sys::block_signals();
            self.run();
        })
    }

    fn run(mut self) {
        let mut events = Events::with_capacity(8);
        let mut read = 0;
        let mut main_waits = false;
        loop {
            let timeout = {
                let next = self.app.inner.lifecycle().machine.next_deadline();
                next.map_or(LONGEST_POLL, |deadline| clock::until(deadline).min(LONGEST_POLL))
            };
            // An interrupted poll is an early look; any other error cannot be mended here, and must not become a busy loop.
            if let Err(error) = self.poll.poll(&mut events, Some(timeout))
                && error.kind() != io::ErrorKind::Interrupted
            {
                self.app.observer().error("poll failed", [("error", shown(&error).into())]);
                std::thread::sleep(Duration::from_millis(10));
            }
            if let Some(signals) = &mut self.signals {
                signals.drain();
                while let Some(record) = EMERGENCY.next_record(&mut read) {
                    self.signal(record);
                }
            }
            while let Some(message) = self.messages.try_recv() {
                main_waits |= matches!(message, Message::MainWaits);
                self.message(message);
            }
            self.event(Event::Tick);
            if let Some(ending) = self.perform() {
                ending.end(self, main_waits);
                return;
            }
        }
    }

    fn event(&self, event: Event) {
        self.app.inner.lifecycle().machine.event(clock::now(), event);
    }

    fn signal(&self, record: Record) {
        let observer = self.app.observer();
        let mut fields: Vec<Field> = vec![("signal", record.signal.name().into())];
        if let Some(sender) = record.sender {
            add(&mut fields, "pid", u64::from(sender.pid).into());
            add(&mut fields, "uid", u64::from(sender.uid).into());
        }
        observer.info("signal received", fields);
        match EMERGENCY.action(record.signal) {
            SignalAction::Ignore => {}
            SignalAction::Reload => self.reload(),
            SignalAction::Shutdown => {
                // The machine is told when the signal came, not when this thread got to run.
                let late = Duration::from_millis(sys::monotonic_millis().saturating_sub(record.millis));
                let now = clock::now();
                let at = now.checked_sub(late).unwrap_or(now);
                let event = Event::Signal { signal: record.signal, sender: record.sender, millis: record.millis };
                self.app.inner.lifecycle().machine.event(at, event);
            }
        }
    }

    fn message(&self, message: Message) {
        let observer = self.app.observer();
        match message {
            Message::Engine(EngineEvent::ListenersStopped) => observer.info("listeners stopped", []),
            Message::Event(event) => self.event(event),
            Message::HookDone(id, outcome) => self.hook_done(id, outcome),
            Message::MainWaits => {}
            Message::Reload => self.reload(),
            Message::TicketsEmpty => {
                if self.app.phase() == Phase::Draining && self.app.inner.tickets.close_if_empty() {
                    self.event(Event::Drained);
                }
            }
        }
    }

    fn reload(&self) {
        if self.app.phase() == Phase::Serving {
            self.app.observer().info("reload began", []);
            self.app.inner.reloads.request(&self.app);
        } else {
            self.app.observer().info("reload ignored", [("phase", self.app.phase().name().into())]);
        }
    }

    fn hook_done(&self, id: HookId, outcome: HookOutcome) {
        let mut lifecycle = self.app.inner.lifecycle();
        lifecycle.machine.event(clock::now(), Event::HookDone { id, outcome });
        let name = owned(&lifecycle.machine.plan().hook(id).name);
        let Some(report) = lifecycle.machine.report().hooks.iter().rev().find(|hook| hook.name == name) else { return };
        let mut fields: Vec<Field> = vec![
            ("name", name.into()),
            ("order", report.order.into()),
            ("outcome", report.outcome.name().into()),
            ("took", report.took.into()),
        ];
        let observer = self.app.observer();
        match &report.outcome {
            HookOutcome::Completed => observer.info("hook finished", fields),
            HookOutcome::Failed(error) | HookOutcome::Panicked(error) => {
                add(&mut fields, "error", owned(error).into());
                observer.error("hook finished", fields);
            }
            HookOutcome::Skipped(skip) => {
                add(&mut fields, "why", shown(&skip).into());
                observer.info("hook finished", fields);
            }
            // It was abandoned before; that it came to its end after all is worth a line.
            HookOutcome::TimedOut => observer.warn("abandoned hook finished", fields),
        }
    }

    /// Does what the machine asks for; the ending, once it has come to that.
    fn perform(&mut self) -> Option<Ending> {
        loop {
            let action = self.app.inner.lifecycle().machine.poll_action();
            let Some(action) = action else { break };
            match action {
                Action::AbandonHook(id) => self.abandon_hook(id),
                Action::AbandonTasks => self.abandon_tasks(),
                Action::Cancel => {
                    self.app.stops().raise(Stage::Cancelling, None);
                    self.app.inner.engine.announce();
                }
                Action::Cut => self.cut(),
                Action::Drain => {
                    self.app.inner.engine.stop_listeners();
                    self.app.inner.tickets.drain();
                }
                Action::Enter { phase, deadline, budget } => self.enter(phase, deadline, budget),
                Action::Exit => return Some(Ending::Finished),
                Action::Flush { budget } => flush::flush(&self.app, budget),
                Action::ForceExit => return Some(Ending::Forced),
                Action::Hasten => {
                    self.app.observer().warn("hastened", [("by", "a repeated signal".into())]);
                }
                Action::RunHook { id, deadline } => self.run_hook(id, deadline),
                Action::StopTasks { deadline } => self.app.stops().raise(Stage::StoppingTasks, Some(deadline)),
            }
        }
        if let Err(error) = self.app.inner.hooks.staff() {
            // The hooks run all the same, on the threads that there are.
            self.app.observer().error("no thread for a hook", [("error", shown(&error).into())]);
        }
        None
    }

    fn enter(&self, phase: Phase, deadline: Instant, budget: Duration) {
        let inner = &self.app.inner;
        let from = self.app.phase();
        inner.phase.store(phase as u8, Ordering::SeqCst);
        match phase {
            Phase::LameDuck => {
                let open = inner.engine.counts().still_open;
                inner.stops.raise(Stage::Requested, Some(deadline));
                inner.engine.announce();
                if inner.checks.stop(clock::now(), &inner.observer) {
                    // Runs that are about to end hold values that a hook may want to take.
                    self.event(Event::TaskBegan);
                }
                self.begin_shutdown(open);
            }
            Phase::Draining => inner.stops.raise(Stage::Draining, Some(deadline)),
            Phase::CleaningUp => {
                // Nothing of the drain or the tasks is waited for any more.
                inner.stops.raise(Stage::Cleaning, None);
            }
            _ => {}
        }
        self.note(|| format!("in phase {phase}"));
        let mut fields: Vec<Field> =
            vec![("from", from.name().into()), ("to", phase.name().into()), ("budget", budget.into())];
        if phase == Phase::Draining {
            add(&mut fields, "in_flight", inner.engine.counts().still_open.into());
        }
        if let Some(left) = inner.lifecycle().machine.report().phases.iter().find(|left| left.phase == from) {
            add(&mut fields, "took", left.took.into());
            add(&mut fields, "ended", left.end.name().into());
        }
        inner.observer.info("phase changed", fields);
    }

    /// What the watchdog's last line will name. A guest has no watchdog, and the process's may be another runtime's.
    fn note(&self, text: impl FnOnce() -> String) {
        if self.app.inner.ownership == Ownership::Process {
            EMERGENCY.set_note(text());
        }
    }

    fn begin_shutdown(&self, open: u64) {
        let mut lifecycle = self.app.inner.lifecycle();
        let report = lifecycle.machine.report_mut();
        report.requested_at_unix_ms = clock::unix_millis();
        report.open_at_request = open;
        let (reason, timeout) = (report.reason.clone(), report.timeout);
        let since =
            lifecycle.machine.requested().map_or(Duration::ZERO, |at| clock::now().saturating_duration_since(at));
        drop(lifecycle);
        if self.app.inner.ownership == Ownership::Process {
            watchdog::end_within((timeout + WATCHDOG_MARGIN).saturating_sub(since));
        }
        let fields = [("reason", reason.kind().into()), ("by", shown(&reason).into()), ("timeout", timeout.into())];
        let observer = self.app.observer();
        match reason {
            Reason::MainReturned | Reason::Requested(_) | Reason::Signal { .. } => {
                observer.info("shutdown requested", fields)
            }
            _ => observer.error("shutdown requested", fields),
        }
        self.app.inner.audience.requested(&self.app);
    }

    fn run_hook(&self, id: HookId, deadline: Instant) {
        let mut lifecycle = self.app.inner.lifecycle();
        let body = lifecycle.bodies.get_mut(id.0).and_then(Option::take);
        let reason = lifecycle.machine.reason().clone();
        let name = owned(&lifecycle.machine.plan().hook(id).name);
        drop(lifecycle);
        // Invariant: the machine runs each hook once, and every hook came with a body.
        let Some(body) = body else { return };
        self.note(|| format!("in hook {name}"));
        self.app.observer().debug("hook began", [("name", owned(&name).into())]);
        self.app.inner.hooks.push(Job { id, name, body, deadline, reason, app: self.app.clone() });
    }

    fn abandon_hook(&self, id: HookId) {
        let stuck = self.app.inner.hooks.thread_of(id).and_then(stuck::whereabouts);
        let mut lifecycle = self.app.inner.lifecycle();
        let hook = lifecycle.machine.plan().hook(id).clone();
        let mut after = hook.timeout;
        if let Some(report) = lifecycle.machine.report_mut().hooks.iter_mut().find(|report| report.name == hook.name) {
            report.stuck = stuck.as_deref().map(owned);
            // Shorter when the whole process is ended.
            after = after.min(report.took);
        }
        drop(lifecycle);
        let mut fields: Vec<Field> = vec![("name", hook.name.into()), ("after", after.into())];
        if let Some(stuck) = stuck {
            add(&mut fields, "stuck", stuck.into());
        }
        self.app.observer().error("hook abandoned", fields);
    }

    fn abandon_tasks(&self) {
        for task in self.app.inner.tasks.states() {
            let Some(thread) = task.thread else { continue };
            let mut fields: Vec<Field> = vec![("name", task.report.name.into())];
            if let Some(stuck) = stuck::whereabouts(thread) {
                add(&mut fields, "stuck", stuck.into());
            }
            self.app.observer().error("task abandoned", fields);
        }
    }

    fn cut(&self) {
        let inner = &self.app.inner;
        let open = inner.engine.open();
        let late = inner.engine.cut();
        // The engine's connections are told of one by one.
        let tickets: Vec<_> = inner.tickets.close().into_iter().filter(|(name, _)| name != engine::TICKET).collect();
        let observer = self.app.observer();
        if late > 0 {
            observer.warn("connections cut", [("count", late.into())]);
        }
        let unlisted = open.total.saturating_sub(open.listed.len());
        let mut at_work = Vec::new();
        for connection in open.listed {
            let stuck = connection.thread.and_then(stuck::whereabouts);
            let mut fields: Vec<Field> =
                vec![("id", connection.id.into()), ("state", shown(&connection.activity).into())];
            if let Some(stuck) = &stuck {
                let id = connection.id;
                at_work.push(match &connection.peer {
                    Some(peer) => shown(&format_args!("the handler of connection {id} of {peer} was {stuck}")),
                    None => shown(&format_args!("the handler of connection {id} was {stuck}")),
                });
            }
            if let Some(peer) = &connection.peer {
                add(&mut fields, "peer", shown(peer).into());
            }
            if let Some(age) = connection.age {
                add(&mut fields, "age", age.into());
            }
            if let Some(stuck) = stuck {
                add(&mut fields, "stuck", stuck.into());
            }
            observer.warn("connection cut", fields);
        }
        if unlisted > 0 {
            observer.warn("more connections cut", [("count", unlisted.into())]);
        }
        for (name, count) in &tickets {
            observer.warn("ticket still out", [("name", owned(name).into()), ("count", (*count).into())]);
        }
        let mut lifecycle = inner.lifecycle();
        let report = lifecycle.machine.report_mut();
        report.incomplete.extend(at_work);
        for (name, count) in &tickets {
            report.miss(&format_args!("{name} did not end in time ({count} tickets still out)"));
        }
        report.tickets = tickets;
    }
}
