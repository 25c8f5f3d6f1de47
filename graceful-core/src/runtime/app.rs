//! What `main` is handed: the running service, as its author sees it.

use std::any::{Any, TypeId};
use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicU8, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};

use super::audience::Audience;
use super::checks::Health;
use super::coordinator::Message;
use super::hooks::{Hook, HookBody, HookThreads};
use super::inject::{Returned, Values};
use super::registry::{Mode, Param};
use super::reload::{Reload, Reloads};
use super::stop::{Stage, Stop, Stops};
use super::tasks::{Task, TaskRunner, TaskTable};
use super::tickets::{DrainClosed, Ticket, Tickets};
use super::watchdog;
use crate::channel::Sender;
use crate::config::Settings;
use crate::engine::{
    Address, Connection, ConnectionCounts, ConnectionStates, CounterGroup, Counters, Engine, LocalAddress, Protocol,
    RequestCounts, Stream,
};
use crate::error::StartError;
use crate::lifecycle::machine::{AddError, Event, Machine};
use crate::lifecycle::phase::Phase;
use crate::lifecycle::plan::PlanError;
use crate::lifecycle::reason::{Reason, Signal};
use crate::observe::{Field, Observer, add};
use crate::sync::lock;
use crate::sys::emergency::EMERGENCY;
use crate::text::{owned, shown};

/// A running service. Cheap to clone, usable from any thread.
#[derive(Clone)]
pub struct App {
    pub(crate) inner: Arc<Inner>,
}

/// Everything that the threads of a runtime share.
pub(crate) struct Inner {
    pub(crate) settings: Arc<Settings>,
    pub(crate) lifecycle: Mutex<Lifecycle>,
    /// Mirrors the machine's phase, for reads without the lock.
    pub(crate) phase: AtomicU8,
    pub(crate) queue: Queue,
    pub(crate) stops: Arc<Stops>,
    pub(crate) tickets: Arc<Tickets>,
    pub(crate) engine: Arc<Engine>,
    pub(crate) values: Values,
    pub(crate) observer: Observer,
    pub(crate) hooks: HookThreads,
    pub(crate) tasks: Arc<TaskTable>,
    pub(crate) reloads: Arc<Reloads>,
    pub(crate) checks: Health,
    pub(crate) audience: Audience,
    pub(crate) ownership: Ownership,
    /// Whether anything was started that outlives `main`.
    pub(crate) started: AtomicBool,
}

/// The machine, and what belongs to it but is not pure.
pub(crate) struct Lifecycle {
    pub(crate) machine: Machine,
    /// What each hook runs, by its id; taken when it runs.
    pub(crate) bodies: Vec<Option<HookBody>>,
    /// What the hooks are handed, for the checks at start.
    pub(crate) params: Vec<&'static [Param]>,
    /// Tasks that wait for the service to serve.
    pub(crate) waiting: Vec<Task>,
}

/// Whether the runtime owns the process or lives in somebody else's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ownership {
    /// It handles signals, and ends the process itself when nothing else does.
    Process,
    /// It handles no signal and ends no process; the report is handed back.
    Guest,
}

/// What can be made a protocol: the handlers that `graceful::http` knows. `M` tells apart what they take.
pub trait Serves<M> {
    /// The protocol, with everything that its handlers ask for.
    ///
    /// # Errors
    /// [`StartError::Handler`] when something that they ask for is not there, or they contradict each other.
    fn into_protocol(self, app: &App) -> Result<Arc<dyn Protocol>, StartError>;
}

/// A request that a bare function may take: it knows the protocol that it belongs to. `R` is what the function returns.
pub trait Answered<R>: Sized + 'static {
    /// The protocol that hands everything to `handler`.
    ///
    /// # Errors
    /// Those of [`Serves::into_protocol`].
    fn protocol(
        handler: impl Fn(Self) -> R + Send + Sync + 'static,
        app: &App,
    ) -> Result<Arc<dyn Protocol>, StartError>;
}

impl<F, Q, R> Serves<fn(Q) -> R> for F
where
    F: Fn(Q) -> R + Send + Sync + 'static,
    Q: Answered<R>,
{
    fn into_protocol(self, app: &App) -> Result<Arc<dyn Protocol>, StartError> {
        Q::protocol(self, app)
    }
}

/// The one way to the coordinator.
#[derive(Clone)]
pub(crate) struct Queue {
    pub(crate) sender: Sender<Message>,
    pub(crate) waker: Arc<mio::Waker>,
}

impl Queue {
    #[inline(never)]
    pub(crate) fn send(&self, message: Message) {
        // Both fail only once the coordinator has ended; then nobody is left to be told.
        if self.sender.send(message) {
            let _ = self.waker.wake();
        }
    }
}

/// Values.
impl App {
    /// Shares a value with hooks, tasks and checks, which ask for it by its type, and hands back a handle.
    ///
    /// A second value of the same type is refused when the start completes: wrap one of them in a type of its own.
    pub fn provide<T: Send + Sync + 'static>(&self, value: T) -> Arc<T> {
        let value = Arc::new(value);
        self.inner.values.provide(Arc::clone(&value));
        value
    }

    /// Shares a value that is in an `Arc` already.
    pub fn provide_arc<T: Send + Sync + 'static>(&self, value: Arc<T>) {
        self.inner.values.provide(value);
    }

    /// The shared value of a type that is known at run time only: how a router finds what its handlers ask for.
    #[must_use]
    pub fn provided(&self, type_id: TypeId) -> Option<Arc<dyn Any + Send + Sync>> {
        self.inner.values.find(type_id)
    }

    /// Hands a value over: hooks and tasks may read it, and one hook may take it by value at the end.
    pub fn give<T: Send + Sync + 'static>(&self, value: T) {
        self.inner.values.give(value);
    }
}

/// Serving.
impl App {
    /// Serves TCP connections or those of a Unix socket: each is handed to `handler` on a worker thread.
    ///
    /// Returns once it listens; connections are accepted from then on. The address may be `"127.0.0.1:8080"` (port 0: any
    /// free one), `"unix:/run/service.sock"`, `"fd:3"`, a `SocketAddr`, a `TcpListener` or a `UnixListener`.
    ///
    /// # Errors
    /// [`StartError::Bind`] when the address cannot be bound, [`StartError::Stopping`] when a shutdown has begun.
    ///
    /// # Blocking
    /// The handler may block; it runs on one of a bounded number of worker threads from the beginning of the connection to
    /// its end. When the drain begins its token fires; shortly before the drain's deadline it is cancelled, and at the
    /// deadline the connection is cut. A panic in it ends the connection, not the service.
    pub fn tcp<R: Returned>(
        &self,
        bind: impl Into<Address>,
        handler: impl Fn(Connection) -> R + Send + Sync + 'static,
    ) -> Result<LocalAddress, StartError> {
        self.begin()?;
        self.inner.engine.listen(bind.into(), Arc::new(move |connection| handler(connection).into_result()))
    }

    /// Serves HTTP/1.1: each request is handed to `handler`, a function or a router of `graceful::http`.
    ///
    /// Returns once it listens; the address is as for [`tcp`](App::tcp).
    ///
    /// # Errors
    /// [`StartError::Bind`] when the address cannot be bound, [`StartError::Handler`] when the routes contradict each other or
    /// a handler asks for a value that was not provided, [`StartError::Stopping`] when a shutdown has begun.
    ///
    /// # Blocking
    /// Handlers may block. Whether one does is learned: one that comes back within microseconds runs on an event loop, others
    /// on a bounded number of worker threads, and one that blocks by surprise holds up other requests for some milliseconds.
    pub fn http<M>(&self, bind: impl Into<Address>, handler: impl Serves<M>) -> Result<LocalAddress, StartError> {
        let protocol = handler.into_protocol(self)?;
        self.serve(bind, protocol)
    }

    /// Serves a protocol whose sessions live on the event loops.
    ///
    /// # Errors
    /// As [`tcp`](App::tcp).
    pub fn serve(&self, bind: impl Into<Address>, protocol: Arc<dyn Protocol>) -> Result<LocalAddress, StartError> {
        self.begin()?;
        self.inner.engine.serve(bind.into(), protocol)
    }

    /// Takes over a connection that a foreign accept loop accepted: it is tracked, counted and cut like one of our own for
    /// as long as the [`Connection`] lives.
    ///
    /// # Errors
    /// [`DrainClosed`] once the drain has ended; the stream is closed then.
    pub fn adopt(&self, stream: impl Into<Stream>) -> Result<Connection, DrainClosed> {
        self.inner.started.store(true, Ordering::SeqCst);
        self.inner.engine.adopt(stream)
    }

    /// Takes a ticket, which keeps the drain open until it is dropped: the way for a server of one's own to take part.
    ///
    /// # Errors
    /// [`DrainClosed`] once the drain has ended.
    pub fn ticket(&self, name: &str) -> Result<Ticket, DrainClosed> {
        self.inner.started.store(true, Ordering::SeqCst);
        self.inner.tickets.take(name, &self.inner.stops)
    }

    /// The addresses that are listened on.
    #[must_use]
    pub fn listeners(&self) -> Vec<LocalAddress> {
        self.inner.engine.listeners()
    }

    /// Every connection so far is in one of these counts.
    #[must_use]
    pub fn connections(&self) -> ConnectionCounts {
        self.inner.engine.counts()
    }

    /// What the connections that are open are doing. Looks at each of them, some hundred at a time.
    #[must_use]
    pub fn connection_states(&self) -> ConnectionStates {
        self.inner.engine.states()
    }

    /// How many requests have been received and answered, over all connections that speak HTTP or another such protocol.
    #[must_use]
    pub fn requests(&self) -> RequestCounts {
        self.inner.engine.requests()
    }

    /// What protocols count beside connections and requests, such as WebSockets.
    #[must_use]
    pub fn counters(&self) -> Vec<CounterGroup> {
        self.inner.engine.counters()
    }

    /// For those who write a protocol: counters that will be in the report under the group's name. The first call for a group
    /// makes them; later ones get the same.
    #[must_use]
    pub fn counter_group(&self, group: &'static str, names: &[&'static str]) -> Arc<Counters> {
        self.inner.engine.counter_group(group, names)
    }
}

/// Hooks and tasks at run time.
impl App {
    /// Adds a hook. Its time is reserved from now on.
    ///
    /// # Errors
    /// [`StartError::Plan`] when its name is taken or the plan could not be kept with it; [`StartError::Environment`] when its
    /// timeout is set to what is none; [`StartError::Stopping`] when its turn has passed.
    pub fn hook(&self, hook: Hook) -> Result<(), StartError> {
        let Hook { mut planned, params, body } = hook;
        let mut lifecycle = self.inner.lifecycle();
        let names = lifecycle.machine.plan().hooks().iter().map(|hook| hook.name.as_str());
        let names: Vec<&str> = names.chain([planned.name.as_str()]).collect();
        if let Some((timeout, _)) = self.inner.settings.hook_timeout(&planned.name, &names)? {
            planned.timeout = timeout;
        }
        lifecycle.machine.add_hook(planned).map_err(|error| match error {
            AddError::Plan(error) => StartError::Plan(error),
            AddError::TooLate => StartError::Stopping,
        })?;
        lifecycle.bodies.push(Some(body));
        lifecycle.params.push(params);
        drop(lifecycle);
        // What is reserved has changed, and with it the deadlines of a shutdown that is under way.
        self.inner.queue.send(Message::Event(Event::Tick));
        Ok(())
    }

    /// Adds a background task. It starts when the service begins to serve, at once if it does already.
    ///
    /// # Errors
    /// [`StartError::Plan`] when its name is taken, [`StartError::Stopping`] when a shutdown has begun,
    /// [`StartError::Thread`] when its thread cannot be started.
    pub fn task(&self, task: Task) -> Result<(), StartError> {
        self.begin()?;
        let mut lifecycle = self.inner.lifecycle();
        lifecycle.machine.plan_mut().add_task(task.planned.clone())?;
        if lifecycle.machine.phase() == Phase::Starting {
            lifecycle.waiting.push(task);
            return Ok(());
        }
        drop(lifecycle);
        TaskRunner::start(self, task)
    }

    /// Adds a reload hook. From now on `SIGHUP` reloads, unless it was said what it does.
    ///
    /// # Errors
    /// [`StartError::Plan`] when its name is taken.
    pub fn reload(&self, reload: Reload) -> Result<(), StartError> {
        self.inner.lifecycle().machine.plan_mut().add_reload(reload.planned.clone())?;
        self.inner.reloads.add(reload);
        if self.inner.ownership == Ownership::Process {
            EMERGENCY.set_action(Signal::Hup, self.inner.settings.action(Signal::Hup, true));
        }
        Ok(())
    }
}

/// Lifecycle.
impl App {
    /// The token that fires when a shutdown is requested.
    #[must_use]
    pub fn stop(&self) -> Stop {
        Stop::new(Arc::clone(&self.inner.stops), Stage::Requested, Stage::StoppingTasks)
    }

    /// Declares the start complete: tasks begin, the service is ready. Returning from `main` does the same, and so does
    /// [`run`](App::run).
    ///
    /// # Errors
    /// [`StartError::Plan`] when values were provided against the plan; the service shuts down then.
    /// [`StartError::Stopping`] when a shutdown has begun.
    pub fn ready(&self) -> Result<(), StartError> {
        self.inner.started.store(true, Ordering::SeqCst);
        self.check_values()?;
        if self.phase().is_stopping() {
            return Err(StartError::Stopping);
        }
        let waiting = {
            let mut lifecycle = self.inner.lifecycle();
            if lifecycle.machine.phase() != Phase::Starting {
                return Ok(());
            }
            lifecycle.machine.event(crate::clock::now(), Event::Started);
            self.inner.phase.store(lifecycle.machine.phase() as u8, Ordering::SeqCst);
            self.tell_plan(&lifecycle);
            std::mem::take(&mut lifecycle.waiting)
        };
        for task in waiting {
            TaskRunner::start(self, task)?;
        }
        self.start_checks()
    }

    /// Serves until the service is told to stop and its drain has ended, and tells why it stops.
    ///
    /// # Errors
    /// Those of [`ready`](App::ready).
    ///
    /// # Blocking
    /// Until background tasks are to stop; what `main` does after it has the tasks' budget, as a task has.
    pub fn run(&self) -> Result<Reason, StartError> {
        match self.ready() {
            // A stop during the start is no failure of `main`: it just has nothing left to wait for but the drain.
            Ok(()) | Err(StartError::Stopping) => {}
            Err(error) => return Err(error),
        }
        self.inner.queue.send(Message::Event(Event::MainRests));
        self.inner.stops.wait_for(Stage::StoppingTasks, None);
        Ok(self.inner.lifecycle().machine.reason().clone())
    }

    /// Requests a shutdown, in these words. Returns at once; asking again changes nothing.
    pub fn request(&self, by: impl Into<String>) {
        self.request_for(Reason::Requested(by.into()));
    }

    /// Ends the process now, where it stands, in these words: nothing is waited for and no cleanup runs any more, but the
    /// report is written and says what was under way. The outcome is
    /// [`ForcedByRequest`](crate::Outcome::ForcedByRequest), the exit code 124. In somebody else's process the runtime ends,
    /// and the report is handed back.
    ///
    /// Returns at once, and works whatever is stuck: what the coordinator has not done within half a second, the watchdog does.
    pub fn force(&self, by: impl Into<String>) {
        if self.inner.ownership == Ownership::Process && self.phase() != Phase::Exited {
            watchdog::force();
        }
        self.inner.queue.send(Message::Event(Event::Forced { by: by.into() }));
    }

    /// Runs the reload hooks, as `SIGHUP` does.
    pub fn request_reload(&self) {
        self.inner.queue.send(Message::Reload);
    }

    /// Whether the service may be sent work: it serves, no critical check of readiness fails or is yet to pass, and nobody has
    /// asked it to stop.
    ///
    /// False from the instant a signal is delivered: its handler itself lowers the flag.
    #[must_use]
    pub fn is_ready(&self) -> bool {
        self.phase() == Phase::Serving
            && self.inner.checks.is_ready()
            && !(self.inner.ownership == Ownership::Process && EMERGENCY.stop_seen())
    }

    /// Where the service is.
    #[must_use]
    pub fn phase(&self) -> Phase {
        Phase::from_u8(self.inner.phase.load(Ordering::SeqCst))
    }

    /// For modules that stand on the core: a warning among the runtime's own lines. Never blocks.
    #[doc(hidden)]
    pub fn warn(&self, message: &'static str, fields: Vec<(&'static str, String)>) {
        let fields: Vec<Field> = fields.into_iter().map(|(key, text)| (key, text.into())).collect();
        self.observer().warn(message, fields);
    }

    pub(crate) fn request_for(&self, reason: Reason) {
        self.inner.queue.send(Message::Event(Event::Requested(reason)));
    }

    /// Values that were provided against the plan.
    pub(crate) fn check_values(&self) -> Result<(), StartError> {
        let error = self.inner.values.misuse().or_else(|| self.shared_but_taken());
        match error {
            None => Ok(()),
            Some(error) => {
                self.request_for(Reason::StartFailed(shown(&error)));
                Err(error.into())
            }
        }
    }

    /// Told here and not by the coordinator, so that it comes before whatever happens next.
    fn tell_plan(&self, lifecycle: &Lifecycle) {
        let plan = lifecycle.machine.plan();
        let names: Vec<&str> = plan.hooks().iter().map(|hook| hook.name.as_str()).collect();
        let mut fields: Vec<Field> = vec![("hooks", names.len().into())];
        if !names.is_empty() {
            add(&mut fields, "names", names.join(",").into());
        }
        add(&mut fields, "tasks", plan.tasks().len().into());
        if !plan.checks().is_empty() {
            add(&mut fields, "checks", plan.checks().len().into());
        }
        add(&mut fields, "worst_case", plan.worst_case().into());
        add(&mut fields, "timeout", plan.budgets().timeout.into());
        let observer = self.observer();
        observer.info("service ready", fields);
        let granted = plan.waits(plan.tasks_ask()).drain;
        if granted < plan.budgets().drain / 2 {
            let fields = [("granted", granted.into()), ("asked", plan.budgets().drain.into())];
            observer.warn("drain shortened by the hooks", fields);
        }
        for kind in plan.kinds_off() {
            observer.info("checks are off", [("kind", kind.name().into())]);
        }
        self.tell_idle_settings(lifecycle);
    }

    fn shared_but_taken(&self) -> Option<PlanError> {
        let lifecycle = self.inner.lifecycle();
        let hooks = lifecycle.machine.plan().hooks();
        hooks.iter().zip(&lifecycle.params).find_map(|(hook, params)| {
            let taken =
                params.iter().find(|param| param.mode == Mode::Owned && self.inner.values.is_shared(param.type_id))?;
            Some(PlanError::SharedButTaken { type_name: (taken.type_name)(), taker: owned(&hook.name) })
        })
    }

    fn begin(&self) -> Result<(), StartError> {
        if self.inner.stops.stage() >= Stage::Draining {
            return Err(StartError::Stopping);
        }
        self.inner.started.store(true, Ordering::SeqCst);
        Ok(())
    }

    pub(crate) fn stops(&self) -> &Arc<Stops> {
        &self.inner.stops
    }

    pub(crate) fn values(&self) -> &Values {
        &self.inner.values
    }

    pub(crate) fn observer(&self) -> &Observer {
        &self.inner.observer
    }
}

impl Inner {
    pub(crate) fn lifecycle(&self) -> MutexGuard<'_, Lifecycle> {
        lock(&self.lifecycle)
    }
}

impl fmt::Debug for App {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("App")
            .field("service", &self.inner.settings.service)
            .field("phase", &self.phase())
            .finish_non_exhaustive()
    }
}
