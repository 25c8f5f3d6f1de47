//! `main`: what `#[graceful::main]` calls.

use std::process::ExitCode;
use std::sync::atomic::Ordering;
use std::time::Duration;

use super::app::App;
use super::builder::{Builder, Signals};
use super::coordinator::Message;
use super::inject::{CallError, chain};
use super::registry::{Registration, registered};
use super::show;
use super::stop::{Stage, Stopping};
use crate::clock;
use crate::config::Show;
use crate::error::StartError;
use crate::lifecycle::exit::Outcome;
use crate::lifecycle::hooks::Origin;
use crate::lifecycle::machine::Event;
use crate::lifecycle::plan::PlanError;
use crate::lifecycle::reason::{Reason, Signal, SignalAction};
use crate::lifecycle::report::TaskOutcome;
use crate::{panics, sys};

/// What `#[graceful::main(...)]` says.
#[derive(Clone, Copy, Debug)]
pub struct MainSpec {
    /// The total.
    pub timeout: Option<Duration>,
    /// The lame duck.
    pub lame_duck: Option<Duration>,
    /// The drain.
    pub drain: Option<Duration>,
    /// Tasks.
    pub tasks: Option<Duration>,
    /// The flush.
    pub flush: Option<Duration>,
    /// The debounce of repeated signals.
    pub debounce: Option<Duration>,
    /// What an incomplete shutdown is mapped to.
    pub incomplete_exit_code: Option<u8>,
    /// How many hooks there must be.
    pub expect_hooks: Option<usize>,
    /// Hooks that were named.
    pub hooks: &'static [&'static Registration],
    /// What signals do.
    pub signals: &'static [(Signal, SignalAction)],
    /// Where `main` is.
    pub origin: Origin,
}

impl MainSpec {
    /// One that says nothing.
    #[must_use]
    pub const fn new(origin: Origin) -> Self {
        Self {
            timeout: None,
            lame_duck: None,
            drain: None,
            tasks: None,
            flush: None,
            debounce: None,
            incomplete_exit_code: None,
            expect_hooks: None,
            hooks: &[],
            signals: &[],
            origin,
        }
    }

    fn builder(&self) -> Result<Builder, StartError> {
        let mut builder = Builder::new(self.origin.krate).signals(Signals::Handle).environment().registered();
        for registration in self.hooks {
            builder = builder.add(registration);
        }
        // The sentinel is registered the way every hook is: without it, others may be missing too.
        if self.hooks.is_empty() && !registered().iter().any(|registration| registration.is_sentinel()) {
            return Err(PlanError::RegistrationBroken.into());
        }
        let settings = &mut builder.settings;
        let set = |place: &mut Duration, value: Option<Duration>| *place = value.unwrap_or(*place);
        set(&mut settings.timeout, self.timeout);
        set(&mut settings.drain, self.drain);
        set(&mut settings.tasks, self.tasks);
        set(&mut settings.flush, self.flush);
        set(&mut settings.debounce, self.debounce);
        settings.lame_duck = self.lame_duck;
        settings.expect_hooks = self.expect_hooks;
        settings.incomplete_exit_code = self.incomplete_exit_code.unwrap_or(settings.incomplete_exit_code);
        settings.signals.extend(self.signals);
        Ok(builder)
    }
}

/// Runs a service: plans, starts, calls `body`, serves, shuts down, and hands back the exit code.
///
/// # Blocking
/// Until the service has ended.
pub fn main(spec: MainSpec, body: impl FnOnce(&App) -> Result<(), CallError>) -> ExitCode {
    match prepare(&spec) {
        Ok(Prepared::Shown) => ExitCode::SUCCESS,
        Ok(Prepared::Started(runtime)) => serve(&runtime, body),
        Err(error) => {
            // Nothing runs yet, so nothing can hold a lock that this line needs.
            sys::write_stderr(format!("graceful: error: {} did not start: {error}\n", spec.origin.krate).as_bytes());
            ExitCode::from(Outcome::Failed.exit_code(0))
        }
    }
}

enum Prepared {
    Shown,
    Started(Box<super::builder::Runtime>),
}

fn prepare(spec: &MainSpec) -> Result<Prepared, StartError> {
    let mut builder = spec.builder()?;
    let plan = builder.plan()?;
    let text = match builder.settings.show {
        None => return builder.start_with(plan).map(|runtime| Prepared::Started(Box::new(runtime))),
        Some(Show::Plan) => show::text(&builder, &plan),
        Some(Show::PlanJson) => show::json(&builder, &plan),
    };
    show::print(&text);
    Ok(Prepared::Shown)
}

fn serve(runtime: &super::builder::Runtime, body: impl FnOnce(&App) -> Result<(), CallError>) -> ExitCode {
    let app = runtime.app();
    let queue = &app.inner.queue;
    app.inner.lifecycle().machine.event(clock::now(), Event::TaskBegan);
    let row = app.inner.tasks.add("main", Some(sys::thread_id()));
    match panics::catch(|| body(app)) {
        Ok(Ok(())) => main_returned(app),
        Ok(Err(error)) => main_failed(app, error),
        Err(message) => app.request_for(Reason::MainPanicked(message)),
    }
    app.inner.tasks.ended(row, TaskOutcome::Stopped);
    queue.send(Message::Event(Event::TaskEnded));
    queue.send(Message::MainWaits);
    ExitCode::from(runtime.wait().exit_code)
}

fn main_returned(app: &App) {
    if !app.inner.started.load(Ordering::SeqCst) {
        // An error has asked for the shutdown by itself, and the first reason stays.
        let _ = app.check_values();
        app.request_for(Reason::MainReturned);
    } else if let Err(error) = app.ready()
        && !matches!(error, StartError::Stopping | StartError::Plan(_))
    {
        app.request_for(Reason::StartFailed(error.to_string()));
    }
}

/// An error of `main` is a failed start, unless it only says that a shutdown came first.
fn main_failed(app: &App, error: CallError) {
    let CallError::Failed(error) = error else {
        app.request_for(Reason::MainFailed(error.to_string()));
        return;
    };
    let interrupted = error.is::<Stopping>() || matches!(error.downcast_ref(), Some(StartError::Stopping));
    if !(interrupted && app.inner.stops.stage() >= Stage::Requested) {
        app.request_for(Reason::MainFailed(chain(&*error)));
    }
}
