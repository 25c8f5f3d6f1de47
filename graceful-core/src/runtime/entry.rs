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
use crate::config::{self, SettingValue, Show, Source};
use crate::error::StartError;
use crate::lifecycle::exit::Outcome;
use crate::lifecycle::hooks::Origin;
use crate::lifecycle::machine::Event;
use crate::lifecycle::plan::PlanError;
use crate::lifecycle::reason::{Reason, Signal, SignalAction};
use crate::lifecycle::report::TaskOutcome;
use crate::text::{owned, shown};
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
    /// The settings file.
    pub config: Option<&'static str>,
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
            config: None,
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
        let budgets = [
            ("shutdown_timeout", self.timeout),
            ("shutdown_lame_duck", self.lame_duck),
            ("shutdown_drain", self.drain),
            ("shutdown_tasks", self.tasks),
            ("shutdown_flush", self.flush),
            ("shutdown_debounce", self.debounce),
        ];
        for (key, said) in budgets {
            if let Some(budget) = said {
                settings.say_duration(key, budget, Source::Attribute);
            }
        }
        if let Some(path) = self.config {
            settings.say("graceful_config", SettingValue::Path(path.into()), Source::Attribute);
        }
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
    builder.resolve()?;
    let asked = builder.settings.show();
    if asked == Some(Show::Health) {
        // Where it can be asked, that has happened before.
        let expected = "nothing here can ask: graceful-std has its feature `health` for it, with #[graceful::main]";
        let (name, value) = (owned("GRACEFUL"), owned("health"));
        return Err(StartError::Environment { name, value, expected: owned(expected) });
    }
    // Shown even when the plan cannot be kept: whoever looks for the reason may find it here.
    let text = if let Some(Show::Config | Show::ConfigJson) = asked {
        let hooks: Vec<_> = builder.hooks.iter().map(|hook| hook.planned.clone()).collect();
        let settings = builder.settings.effective(&hooks);
        let write = if asked == Some(Show::Config) { config::text } else { config::json };
        write(&builder.settings.service, &settings)
    } else {
        let plan = builder.plan()?;
        match asked {
            Some(Show::Plan) => show::text(&builder, &plan),
            Some(Show::PlanJson) => show::json(&builder, &plan),
            _ => return builder.start_with(plan).map(|runtime| Prepared::Started(Box::new(runtime))),
        }
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
        app.request_for(Reason::StartFailed(shown(&error)));
    }
}

/// An error of `main` is a failed start, unless it only says that a shutdown came first.
fn main_failed(app: &App, error: CallError) {
    let CallError::Failed(error) = error else {
        app.request_for(Reason::MainFailed(shown(&error)));
        return;
    };
    let interrupted = error.is::<Stopping>() || matches!(error.downcast_ref(), Some(StartError::Stopping));
    if !(interrupted && app.inner.stops.stage() >= Stage::Requested) {
        app.request_for(Reason::MainFailed(chain(&*error)));
    }
}
