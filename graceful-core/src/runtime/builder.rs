//! Building a runtime: what was registered, what the program adds, what the environment says; then start it.

use std::fmt;
use std::io;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicU8};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

use log::LevelFilter;
use mio::Poll;

use super::app::{App, Inner, Lifecycle, Ownership, Queue};
use super::audience::Audience;
use super::checks::{Check, Health};
use super::coordinator::{Coordinator, Message, WAKE};
use super::hooks::{Hook, HookThreads};
use super::inject::Values;
use super::injection;
use super::registry::{Item, Registered, Registration, registered};
use super::reload::{Reload, Reloads};
use super::stop::Stops;
use super::tasks::{Task, TaskTable};
use super::tickets::Tickets;
use super::watchdog;
use crate::channel::{Receiver, channel};
use crate::clock;
use crate::config::{self, Access, OfProcess, Setting, SettingValue, Settings, Source};
use crate::engine::{Engine, Limits};
use crate::error::StartError;
use crate::lifecycle::machine::{Event, Machine, Rules};
use crate::lifecycle::phase::Phase;
use crate::lifecycle::plan::{Plan, PlanError};
use crate::lifecycle::reason::{Reason, Signal, SignalAction};
use crate::lifecycle::report::Report;
use crate::observe::Observer;
use crate::sys;
use crate::sys::emergency::EMERGENCY;
use crate::text::owned;

/// How far past the total the coordinator itself may come before it forces the end; the watchdog follows 50 ms later.
const OVERRUN: Duration = Duration::from_millis(150);

/// Whether a runtime handles the signals of its process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Signals {
    /// It does, and it ends the process when a deadline or a third signal says so. One runtime a process.
    Handle,
    /// It does not: it lives in somebody else's program, ends no process, and hands its [`Report`] back.
    Leave,
}

/// A runtime that has not started: `Builder -> Runtime -> Report`.
///
/// # Examples
/// ```
/// use std::time::Duration;
/// use graceful_core::{Args, Hook, Runtime};
///
/// let runtime = Runtime::builder("embedded")
///     .timeout(Duration::from_secs(10))
///     .hook(Hook::new("say goodbye", |_: &mut Args<'_>| println!("goodbye")))
///     .start()?;
/// runtime.app().ready()?;
/// let report = runtime.shutdown("the example is over");
/// assert_eq!(report.exit_code, 0);
/// # Ok::<(), graceful_core::StartError>(())
/// ```
#[derive(Debug)]
#[must_use]
pub struct Builder {
    pub(crate) settings: Settings,
    pub(crate) signals: Signals,
    pub(crate) hooks: Vec<Hook>,
    pub(crate) tasks: Vec<Task>,
    pub(crate) reloads: Vec<Reload>,
    pub(crate) checks: Vec<Check>,
    registrations: Vec<&'static Registration>,
    limits: Limits,
}

impl Builder {
    pub(crate) fn new(service: impl Into<String>) -> Self {
        Self {
            settings: Settings::new(service),
            signals: Signals::Leave,
            hooks: Vec::new(),
            tasks: Vec::new(),
            reloads: Vec::new(),
            checks: Vec::new(),
            registrations: Vec::new(),
            limits: Limits::default(),
        }
    }

    /// The total, from the request to the end of the process: the promise to whoever asked. **Default: `30 s`**.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.settings.say_duration("shutdown_timeout", timeout, Source::Builder);
        self
    }

    /// How long it still serves once it is not ready. **Default: `5 s` in a cluster, else `0 s`**.
    pub fn lame_duck(mut self, budget: Duration) -> Self {
        self.settings.say_duration("shutdown_lame_duck", budget, Source::Builder);
        self
    }

    /// How long work in flight may take. **Default: `20 s`**.
    pub fn drain(mut self, budget: Duration) -> Self {
        self.settings.say_duration("shutdown_drain", budget, Source::Builder);
        self
    }

    /// How long tasks may take to end. **Default: `10 s`**.
    pub fn tasks(mut self, budget: Duration) -> Self {
        self.settings.say_duration("shutdown_tasks", budget, Source::Builder);
        self
    }

    /// How long the flush of the logs may take, beyond the flush hooks. **Default: `1 s`**.
    pub fn flush(mut self, budget: Duration) -> Self {
        self.settings.say_duration("shutdown_flush", budget, Source::Builder);
        self
    }

    /// Where the report is written as JSON when it has ended. **Default: nowhere**.
    pub fn report(mut self, path: impl Into<PathBuf>) -> Self {
        self.settings.say("graceful_report", SettingValue::Path(path.into()), Source::Builder);
        self
    }

    /// A repeated signal within this long counts for nothing. **Default: `500 ms`**.
    pub fn debounce(mut self, debounce: Duration) -> Self {
        self.settings.say_duration("shutdown_debounce", debounce, Source::Builder);
        self
    }

    /// The exit code of a shutdown that left something undone. **Default: `3`**.
    pub fn incomplete_exit_code(mut self, code: u8) -> Self {
        self.settings.incomplete_exit_code = code;
        self
    }

    /// Refuses to start unless exactly this many hooks were found.
    pub fn expect_hooks(mut self, hooks: usize) -> Self {
        self.settings.expect_hooks = Some(hooks);
        self
    }

    /// Whether it handles the signals of the process. **Default: [`Signals::Leave`]**.
    pub fn signals(mut self, signals: Signals) -> Self {
        self.signals = signals;
        self
    }

    /// What a signal does, where signals are handled. **Default: shutdown; `SIGHUP` reloads when there is a reload hook**.
    pub fn on_signal(mut self, signal: Signal, action: SignalAction) -> Self {
        self.settings.signals.push((signal, action));
        self
    }

    /// Lets the environment variables of the crate's documentation decide what the builder leaves open, and `GRACEFUL_CONFIG`
    /// name a settings file.
    ///
    /// What the builder is told is stronger: default, attribute, file, environment, builder, in this order.
    pub fn environment(mut self) -> Self {
        self.settings.access = Access::Open;
        self
    }

    /// The settings file, unless `GRACEFUL_CONFIG` names another. It needs something that reads it: the feature `config` of
    /// graceful-std. One that cannot be read, or says what cannot be, does not start. **Default: none**.
    pub fn file(mut self, path: impl Into<PathBuf>) -> Self {
        // As an attribute says it: which file it is may be chosen where the service runs.
        self.settings.say("graceful_config", SettingValue::Path(path.into()), Source::Attribute);
        self
    }

    /// Adds settings to the table: they are read, refused, shown and handed out by [`App::setting`] as all others.
    pub fn settings(mut self, settings: &'static [Setting]) -> Self {
        self.settings.added.push(settings);
        self
    }

    /// Adds a hook.
    pub fn hook(mut self, hook: Hook) -> Self {
        self.hooks.push(hook);
        self
    }

    /// Adds a background task.
    pub fn task(mut self, task: Task) -> Self {
        self.tasks.push(task);
        self
    }

    /// Adds a reload hook.
    pub fn reload(mut self, reload: Reload) -> Self {
        self.reloads.push(reload);
        self
    }

    /// Adds a check of readiness or liveness.
    pub fn check(mut self, check: Check) -> Self {
        self.checks.push(check);
        self
    }

    /// Adds what one attribute registered: `.register::<close_db>()`.
    pub fn register<R: Registered>(self) -> Self {
        self.add(R::REGISTRATION)
    }

    /// Adds everything that attributes registered anywhere in this program, as `#[graceful::main]` does.
    pub fn registered(mut self) -> Self {
        let known = std::mem::take(&mut self.registrations);
        // The linker's list has each of them once; those that were named before may be in it.
        self.registrations = registered();
        self.registrations.retain(|registration| !registration.is_sentinel());
        known.into_iter().fold(self, Self::add)
    }

    /// The largest number of threads that serve connections and slow requests, whatever `GRACEFUL_WORKERS` says.
    /// **Default: `512`**.
    pub fn workers(self, workers: usize) -> Self {
        self.threads("graceful_workers", workers)
    }

    /// The number of event loops, on which HTTP connections live, whatever `GRACEFUL_EVENT_LOOPS` says. **Default: `1`**.
    pub fn event_loops(self, loops: usize) -> Self {
        self.threads("graceful_event_loops", loops)
    }

    /// How many requests may wait for a worker; others are answered with 503. **Default: `1024`**.
    pub fn waiting_requests(mut self, requests: usize) -> Self {
        self.limits.requests = requests.max(1);
        self
    }

    fn threads(mut self, key: &'static str, count: usize) -> Self {
        let count = u64::try_from(count.max(1)).unwrap_or(u64::MAX);
        self.settings.say(key, SettingValue::Number(count), Source::Builder);
        self
    }

    pub(crate) fn add(mut self, registration: &'static Registration) -> Self {
        // Named in a list and found by the linker: it is one hook all the same.
        if !self.registrations.iter().any(|known| std::ptr::eq(*known, registration)) {
            self.registrations.push(registration);
        }
        self
    }

    /// Reads file and environment, and gives the hooks the times that they say. Whatever is wrong with them is told here.
    #[inline(never)]
    pub(crate) fn resolve(&mut self) -> Result<(), StartError> {
        self.gather();
        self.settings.resolve(&OfProcess)?;
        // Most services say nothing of hooks.
        let hooks = if self.settings.speaks_of_hooks() { self.hooks.len() } else { 0 };
        for place in 0..hooks {
            let names: Vec<&str> = self.hooks.iter().map(|hook| hook.planned.name.as_str()).collect();
            if let Some((timeout, _)) = self.settings.hook_timeout(names[place], &names)? {
                self.hooks[place].planned.timeout = timeout;
            }
        }
        Ok(())
    }

    /// Makes hooks, tasks, reload hooks and checks of what was registered.
    #[inline(never)]
    fn gather(&mut self) {
        for registration in std::mem::take(&mut self.registrations) {
            // It is one of these. (`extend` would do, with four times the code.)
            if let Some(hook) = Hook::registered(registration) {
                self.hooks.push(hook);
            } else if let Some(task) = Task::registered(registration) {
                self.tasks.push(task);
            } else if let Some(reload) = Reload::registered(registration) {
                self.reloads.push(reload);
            } else if let Item::Check { runner, .. } = registration.item {
                (runner.register)(&mut self.checks, registration);
            }
        }
        // Link order must not show: registered hooks come in the order of their declaration, then those added by hand.
        let key = |hook: &Hook| (hook.origin().is_none(), hook.origin());
        // By hand, since they are all but in order: the library's sort is kilobytes of code.
        for next in 1..self.hooks.len() {
            let mut at = next;
            while at > 0 && key(&self.hooks[at - 1]) > key(&self.hooks[at]) {
                self.hooks.swap(at - 1, at);
                at -= 1;
            }
        }
    }

    /// The plan; whatever is wrong with it is told here.
    pub(crate) fn plan(&mut self) -> Result<Plan, StartError> {
        if let Some(expected) = self.settings.expect_hooks
            && expected != self.hooks.len()
        {
            let found = self.hooks.iter().map(|hook| owned(&hook.planned.name)).collect();
            return Err(PlanError::HookCount { expected, found }.into());
        }
        let mut plan = Plan::new(self.settings.budgets())?;
        plan.add_hooks(self.hooks.iter().map(|hook| hook.planned.clone()).collect())?;
        for task in &self.tasks {
            plan.add_task(task.planned.clone())?;
        }
        for reload in &self.reloads {
            plan.add_reload(reload.planned.clone())?;
        }
        if let Some(check) = self.checks.first() {
            (check.runner.plan)(&mut self.checks, &self.settings, &self.hooks, &mut plan)?;
        }
        injection::check(&self.hooks, &self.tasks, &self.reloads)?;
        Ok(plan)
    }

    /// Starts the runtime: plans, installs the signal handlers if it is to, starts its threads.
    ///
    /// # Errors
    /// [`StartError`]: the plan cannot be kept, a setting cannot be used, a handler or thread could not be had.
    pub fn start(mut self) -> Result<Runtime, StartError> {
        self.resolve()?;
        let plan = self.plan()?;
        self.start_with(plan)
    }

    pub(crate) fn start_with(self, plan: Plan) -> Result<Runtime, StartError> {
        let Self { settings, signals, hooks, tasks, reloads, checks, mut limits, .. } = self;
        limits.workers = settings.threads("graceful_workers").unwrap_or(limits.workers);
        limits.loops = settings.threads("graceful_event_loops").unwrap_or(limits.loops);
        let ownership = match signals {
            Signals::Handle => Ownership::Process,
            Signals::Leave => Ownership::Guest,
        };
        // A guest writes no lines of its own to a stderr that is not its.
        let level = if ownership == Ownership::Process { settings.log() } else { LevelFilter::Off };
        let thread = |name| move |source| no_thread(name, source);
        let (observer, observer_ended) = Observer::start(level).map_err(thread("logs"))?;
        let poll = Poll::new().map_err(thread("the coordinator"))?;
        let waker = Arc::new(mio::Waker::new(poll.registry(), WAKE).map_err(thread("the coordinator"))?);
        let handled = match signals {
            Signals::Handle => Some(HandledSignals::install(&settings, !reloads.is_empty(), &waker)?),
            Signals::Leave => None,
        };
        let (sender, messages) = channel();
        let queue = Queue { sender, waker };
        let stops = Stops::new();
        let on_empty = queue.clone();
        let tickets = Tickets::new(move || on_empty.send(Message::TicketsEmpty));
        let on_event = queue.clone();
        let engine = Engine::new(Arc::clone(&stops), Arc::clone(&tickets), observer.clone(), limits, move |event| {
            on_event.send(Message::Engine(event))
        });
        let on_done = queue.clone();
        let threads = HookThreads::start(move |id, outcome| on_done.send(Message::HookDone(id, outcome)))?;
        let rules = Rules {
            service: owned(&settings.service),
            debounce: settings.debounce(),
            incomplete_exit_code: settings.incomplete_exit_code,
            overrun: OVERRUN,
        };
        let lifecycle = Lifecycle {
            machine: Machine::new(rules, plan, clock::now()),
            params: hooks.iter().map(|hook| hook.params).collect(),
            bodies: hooks.into_iter().map(|hook| Some(hook.body)).collect(),
            waiting: tasks,
        };
        let reload_table = Reloads::default();
        for reload in reloads {
            reload_table.add(reload);
        }
        let started = !lifecycle.waiting.is_empty();
        let settings = Arc::new(settings);
        if ownership == Ownership::Process {
            config::publish(&settings);
        }
        let inner = Inner {
            settings,
            lifecycle: Mutex::new(lifecycle),
            phase: AtomicU8::new(Phase::Starting as u8),
            queue,
            stops,
            tickets,
            engine,
            values: Values::default(),
            observer,
            hooks: threads,
            tasks: Arc::new(TaskTable::default()),
            reloads: Arc::new(reload_table),
            checks: Health::default(),
            audience: Audience::default(),
            ownership,
            started: AtomicBool::new(started),
        };
        let app = App { inner: Arc::new(inner) };
        if let Some(check) = checks.first() {
            (check.runner.take_on)(&app, checks);
        }
        let (ended, report) = channel();
        if let Some(signals) = &handled
            && !signals.0.ignored.is_empty()
        {
            let names: Vec<_> = signals.0.ignored.iter().map(|signal| signal.name()).collect();
            app.observer().info("signals stay ignored", [("signals", names.join(",").into())]);
        }
        app.tell_settings();
        let signals = handled.map(|handled| handled.0);
        let coordinator = Coordinator { app: app.clone(), poll, messages, signals, ended, observer_ended };
        let coordinator = coordinator.start().map_err(thread("the coordinator"))?;
        Ok(Runtime { app, report, coordinator: Some(coordinator) })
    }
}

#[cold]
#[inline(never)]
fn no_thread(name: &str, source: io::Error) -> StartError {
    StartError::Thread { name: owned(name), source }
}

/// The process's signals, taken by one runtime.
struct HandledSignals(sys::SignalSource);

impl HandledSignals {
    fn install(settings: &Settings, has_reload: bool, waker: &Arc<mio::Waker>) -> Result<Self, StartError> {
        if !EMERGENCY.claim() {
            return Err(StartError::SignalsTaken);
        }
        EMERGENCY.configure(settings.budgets().timeout, settings.debounce());
        for signal in Signal::ALL {
            EMERGENCY.set_action(signal, settings.action(signal, has_reload));
        }
        let source = sys::install_signals(waker).map_err(|source| StartError::Signals { source })?;
        watchdog::start()?;
        Ok(Self(source))
    }
}

/// A runtime that has started.
///
/// Dropped without [`shutdown`](Runtime::shutdown) or [`join`](Runtime::join) it asks for the shutdown and does not wait.
#[must_use = "a runtime ends when it is dropped"]
pub struct Runtime {
    app: App,
    report: Receiver<Report>,
    coordinator: Option<JoinHandle<()>>,
}

impl Runtime {
    /// Begins to build one. `service` is its name in logs and report.
    pub fn builder(service: impl Into<String>) -> Builder {
        Builder::new(service)
    }

    /// The running service.
    #[must_use]
    pub fn app(&self) -> &App {
        &self.app
    }

    /// Requests the shutdown in these words, waits for its end and hands the report over.
    ///
    /// # Blocking
    /// At most for the total (and 150 ms), whatever hangs.
    pub fn shutdown(self, by: impl Into<String>) -> Report {
        self.app.request(by);
        self.join()
    }

    /// As [`shutdown`](Runtime::shutdown), within `timeout` where that is shorter than the total. Hooks keep their time as far as
    /// it goes; what is left at the deadline is abandoned and the report says so.
    ///
    /// # Blocking
    /// At most for `timeout` (and 150 ms).
    pub fn shutdown_within(self, timeout: Duration, by: impl Into<String>) -> Report {
        self.app.inner.lifecycle().machine.plan_mut().limit(timeout);
        self.shutdown(by)
    }

    /// Waits until somebody requested the shutdown and it has ended.
    ///
    /// # Blocking
    /// Until the end.
    pub fn join(mut self) -> Report {
        let report = self.wait();
        if let Some(coordinator) = self.coordinator.take() {
            // It has told its report: all that is left is its return.
            let _ = coordinator.join();
        }
        if self.app.inner.ownership == Ownership::Process {
            sys::uninstall_signals();
            EMERGENCY.release();
        }
        report
    }

    /// Waits for the report; the process's own runtime leaves the rest to the exit.
    pub(crate) fn wait(&self) -> Report {
        match self.report.recv() {
            Some(report) => report,
            // The coordinator cannot end without a report short of a defect of ours; say so rather than hang or panic.
            None => {
                let mut report = self.app.inner.lifecycle().machine.take_report();
                report.miss(&"the coordinator ended without a report");
                report
            }
        }
    }
}

impl Drop for Runtime {
    fn drop(&mut self) {
        if self.coordinator.is_some() {
            self.app
                .inner
                .queue
                .send(Message::Event(Event::Requested(Reason::Requested(owned("dropping the runtime")))));
        }
    }
}

impl fmt::Debug for Runtime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Runtime").field("app", &self.app).finish_non_exhaustive()
    }
}
