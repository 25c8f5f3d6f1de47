//! Who is told of a shutdown: when it is requested, and what it came to.
//!
//! Whoever is told runs on a thread of its own, for what it does is user code. It is no step of the shutdown: the report is
//! settled before anybody is told of it, so whatever fails here changes neither outcome nor exit code. It is logged.
//!
//! Nothing in here is linked into a program that tells nobody: what the rest of the runtime calls is behind [`Audience`].

use std::convert::Infallible;
use std::sync::{Arc, Mutex, OnceLock};

use super::app::App;
use super::inject::{CallError, Deadline, Returned};
use super::stuck;
use crate::channel::{Missing, Receiver, Sender, channel};
use crate::error::StartError;
use crate::lifecycle::report::Report;
use crate::observe::Field;
use crate::sync::lock;
use crate::{clock, panics, sys, threads};

type Tell = Box<dyn FnOnce(&Report, Deadline) -> Result<(), CallError> + Send>;

/// Being told of the shutdown.
impl App {
    /// Has `tell` called when a shutdown is requested, with the report as it stands then: why, when, how many connections are
    /// open. Called at once when that has happened already.
    ///
    /// What it returns or does changes nothing about the shutdown; an error or panic is logged under `name`.
    ///
    /// # Blocking
    /// It runs on a thread of its own, beside the shutdown, and nobody waits for it: the process may end in the middle of it.
    pub fn on_request<R: Returned>(&self, name: impl Into<String>, tell: impl FnOnce(&Report) -> R + Send + 'static) {
        let tell: Tell = Box::new(move |report, _| tell(report).into_result().map_err(CallError::from_user));
        let tells = Arc::clone(self.inner.audience.0.get_or_init(make));
        tells.add_request(self, Listener { name: name.into(), tell });
    }

    /// Has `tell` called with the settled report, at the very end: hooks have run, provided values are dropped, only the logs
    /// are still to be flushed and the report to be written.
    ///
    /// What it returns or does changes neither outcome nor exit code; an error, a panic or a hang is logged under `name`.
    /// It is called after an end that was forced, too, with some milliseconds of time, but not after one that only the watchdog
    /// or `SIGKILL` could bring about.
    ///
    /// # Errors
    /// [`StartError::Stopping`] when the report has been told already.
    ///
    /// # Blocking
    /// It runs on a thread of its own and has a part of the flush's budget: until the deadline that it is handed. A moment later it
    /// is left behind.
    ///
    /// # Examples
    /// ```no_run
    /// # let runtime = graceful_core::Runtime::builder("shop").start()?;
    /// # let app = runtime.app();
    /// app.on_report("audit", |report, _deadline| {
    ///     std::fs::write("/tmp/last-shutdown", format!("{report}\n{:?}\n", report.failed()))
    /// })?;
    /// # Ok::<(), graceful_core::StartError>(())
    /// ```
    pub fn on_report<R: Returned>(
        &self,
        name: impl Into<String>,
        tell: impl FnOnce(&Report, Deadline) -> R + Send + 'static,
    ) -> Result<(), StartError> {
        let tell: Tell =
            Box::new(move |report, deadline| tell(report, deadline).into_result().map_err(CallError::from_user));
        let tells = Arc::clone(self.inner.audience.0.get_or_init(make));
        tells.add_report(Listener { name: name.into(), tell })
    }

    /// The name of the service: the package of `main`, or what the builder was told.
    #[must_use]
    pub fn service(&self) -> &str {
        &self.inner.settings.service
    }

    /// What a shutdown can fail in by name: hooks and tasks as planned so far, and `connections`. See [`Report::failed`].
    #[must_use]
    pub fn components(&self) -> Vec<String> {
        let lifecycle = self.inner.lifecycle();
        let plan = lifecycle.machine.plan();
        let hooks = plan.hooks().iter().map(|hook| hook.name.clone());
        let tasks = plan.tasks().iter().map(|task| task.name.clone());
        hooks.chain(tasks).chain(["connections".to_owned()]).collect()
    }
}

/// Belongs to every runtime; what is behind it is linked only where somebody is told.
#[derive(Default)]
pub(crate) struct Audience(OnceLock<Arc<dyn Tells>>);

impl Audience {
    /// The shutdown was requested. Returns at once.
    pub(crate) fn requested(&self, app: &App) {
        if let Some(tells) = self.0.get() {
            tells.requested(app);
        }
    }

    /// Every hook has run: settles the report and begins to tell it.
    pub(crate) fn settle(&self, app: &App, deadline: Deadline) {
        if let Some(tells) = self.0.get() {
            tells.settle(app, deadline);
        }
    }

    /// Begins to tell a report, unless one was told.
    pub(crate) fn tell(&self, app: &App, report: &Report, deadline: Deadline) {
        if let Some(tells) = self.0.get() {
            tells.tell(app, report, deadline);
        }
    }

    /// Waits for those who are told, until `deadline`.
    pub(crate) fn wait(&self, app: &App, deadline: Deadline) {
        if let Some(tells) = self.0.get() {
            tells.wait(app, deadline);
        }
    }
}

trait Tells: Send + Sync {
    fn add_request(&self, app: &App, listener: Listener);
    fn add_report(&self, listener: Listener) -> Result<(), StartError>;
    fn requested(&self, app: &App);
    fn settle(&self, app: &App, deadline: Deadline);
    fn tell(&self, app: &App, report: &Report, deadline: Deadline);
    fn wait(&self, app: &App, deadline: Deadline);
}

struct Listener {
    name: String,
    tell: Tell,
}

/// Those who wait to be told, and those who are being told.
struct Listeners {
    /// `None` once they are told.
    waiting: Mutex<Waiting>,
    telling: Mutex<Option<Telling>>,
}

struct Waiting {
    request: Option<Vec<Listener>>,
    report: Option<Vec<Listener>>,
}

/// A report that is being told.
struct Telling {
    told: Told,
    ended: Receiver<Infallible>,
}

/// Those who are at it: names, and the kernel's ids of their threads.
type Told = Arc<Mutex<Vec<(String, u64)>>>;

fn make() -> Arc<dyn Tells> {
    let waiting = Waiting { request: Some(Vec::new()), report: Some(Vec::new()) };
    Arc::new(Listeners { waiting: Mutex::new(waiting), telling: Mutex::new(None) })
}

impl Tells for Listeners {
    fn add_request(&self, app: &App, listener: Listener) {
        let mut waiting = lock(&self.waiting);
        match &mut waiting.request {
            Some(request) => request.push(listener),
            None => {
                drop(waiting);
                tell_request(app, [listener]);
                return;
            }
        }
        drop(waiting);
        // The first of all may come when there was nobody to be told. The time is noted before anybody is, under the lock.
        let requested = app.inner.lifecycle().machine.report().requested_at_unix_ms > 0;
        if requested {
            self.requested(app);
        }
    }

    fn add_report(&self, listener: Listener) -> Result<(), StartError> {
        lock(&self.waiting).report.as_mut().ok_or(StartError::Stopping)?.push(listener);
        Ok(())
    }

    fn requested(&self, app: &App) {
        let listeners = lock(&self.waiting).request.take();
        tell_request(app, listeners.into_iter().flatten());
    }

    fn settle(&self, app: &App, deadline: Deadline) {
        let report = app.inner.lifecycle().machine.settled(clock::now());
        self.tell(app, &report, deadline);
    }

    fn tell(&self, app: &App, report: &Report, deadline: Deadline) {
        let Some(listeners) = lock(&self.waiting).report.take() else { return };
        let report = Arc::new(report.clone());
        let (done, ended) = channel();
        let told = Told::default();
        for listener in listeners {
            spawn(app, listener, &report, deadline, &told, &done);
        }
        *lock(&self.telling) = Some(Telling { told, ended });
    }

    fn wait(&self, app: &App, deadline: Deadline) {
        let Some(Telling { told, ended }) = lock(&self.telling).take() else { return };
        if ended.recv_timeout(deadline.remaining()) != Err(Missing::Timeout) {
            return;
        }
        for (name, thread) in lock(&told).iter() {
            let mut fields: Vec<Field> = vec![("name", name.clone().into())];
            if let Some(stuck) = stuck::whereabouts(*thread) {
                fields.push(("stuck", stuck.into()));
            }
            app.observer().error("report listener abandoned", fields);
        }
    }
}

fn tell_request(app: &App, listeners: impl IntoIterator<Item = Listener>) {
    let report = Arc::new(app.inner.lifecycle().machine.report().clone());
    let (done, told) = (channel().0, Told::default());
    for listener in listeners {
        spawn(app, listener, &report, Deadline(clock::now()), &told, &done);
    }
}

/// One thread for each: nobody is kept waiting by another.
fn spawn(
    app: &App,
    listener: Listener,
    report: &Arc<Report>,
    deadline: Deadline,
    told: &Told,
    done: &Sender<Infallible>,
) {
    let Listener { name, tell } = listener;
    let (observer, report, told, done) = (app.observer().clone(), Arc::clone(report), Arc::clone(told), done.clone());
    let shown = name.clone();
    let spawned = threads::spawn("gf-told", move || {
        let thread = sys::thread_id();
        lock(&told).push((name.clone(), thread));
        // The error is shown inside: that is user code as well.
        let outcome = panics::catch(|| tell(&report, deadline).map_err(|error| error.to_string()));
        lock(&told).retain(|(_, at_work)| *at_work != thread);
        match outcome {
            Ok(Ok(())) => {}
            Ok(Err(error)) => {
                observer.error("report listener failed", [("name", name.into()), ("error", error.into())])
            }
            Err(panic) => observer.error("report listener panicked", [("name", name.into()), ("panic", panic.into())]),
        }
        // Last: whoever waits for it has the line above told as well.
        drop(done);
    });
    if let Err(error) = spawned {
        let fields = [("name", shown.into()), ("error", error.to_string().into())];
        app.observer().error("no thread for a report listener", fields);
    }
}

#[cfg(all(test, not(graceful_shuttle)))]
mod tests {
    use std::sync::mpsc;
    use std::time::Duration;

    use super::*;
    use crate::lifecycle::exit::Outcome;
    use crate::runtime::builder::Runtime;
    use crate::runtime::hooks::Hook;
    use crate::runtime::inject::Args;

    const LONG: Duration = Duration::from_secs(60);

    fn runtime() -> Runtime {
        let fail = Hook::new("close", |_: &mut Args<'_>| Err::<(), _>("disk full"));
        Runtime::builder("told").hook(fail).flush(Duration::from_secs(20)).start().expect("it starts")
    }

    #[test]
    fn told_what_the_report_says() {
        let runtime = runtime();
        let (sender, told) = mpsc::channel();
        let asked = sender.clone();
        runtime.app().on_request("ask", move |report| asked.send(Box::new(report.clone())));
        let tell = move |report: &Report, _| sender.send(Box::new(report.clone()));
        runtime.app().on_report("tell", tell).expect("it is early");
        let app = runtime.app().clone();
        assert_eq!(app.components(), ["close", "connections"]);
        let report = runtime.shutdown("a test");
        let first = told.recv_timeout(LONG).expect("told of the request");
        assert!(first.requested_at_unix_ms > 0 && !first.phases.is_empty() && first.hooks.is_empty(), "{first:?}");
        let told = told.recv_timeout(LONG).expect("told of the report");
        assert_eq!((told.outcome, told.exit_code), (Outcome::Incomplete, 3));
        assert_eq!((&told.incomplete, &told.hooks), (&report.incomplete, &report.hooks));
        assert_eq!(told.failed(), ["close"]);
        assert!(told.took > Duration::ZERO && told.took <= report.took);
        // Too late for the one, at once for the other.
        assert!(matches!(app.on_report("late", |_, _| ()), Err(StartError::Stopping)));
        let (sender, told) = mpsc::channel();
        app.on_request("late", move |_| sender.send(()));
        told.recv_timeout(LONG).expect("told at once");
    }

    #[test]
    fn told_of_a_forced_end_too() {
        let (hold, held) = mpsc::channel::<()>();
        let hangs = Hook::new("hangs", move |_: &mut Args<'_>| held.recv().unwrap_or(()));
        let runtime = Runtime::builder("told").hook(hangs).start().expect("it starts");
        let (sender, told) = mpsc::channel();
        let tell = move |report: &Report, _| sender.send(Box::new(report.clone()));
        runtime.app().on_report("tell", tell).expect("it is early");
        let report = runtime.shutdown_within(Duration::from_millis(50), "a test");
        let told = told.recv_timeout(LONG).expect("told of the report");
        assert_eq!((told.outcome, told.failed()), (Outcome::DeadlineExceeded, vec!["hangs"]));
        assert_eq!((told.outcome, &told.hooks), (report.outcome, &report.hooks));
        drop(hold);
    }

    #[test]
    fn whatever_they_do_the_others_are_told_and_the_report_stands() {
        let runtime = Runtime::builder("told").flush(Duration::from_millis(200)).start().expect("it starts");
        let app = runtime.app();
        let (hold, held) = mpsc::channel::<()>();
        let (sender, told) = mpsc::channel();
        let panics = |report: &Report, _| assert!(report.exit_code > 0, "in a listener");
        app.on_report("panics", panics).expect("it is early");
        app.on_report("fails", |_, _| Err("no route")).expect("it is early");
        app.on_report("hangs", move |_, _| held.recv().unwrap_or(())).expect("it is early");
        app.on_report("tells", move |report, deadline| {
            assert!(deadline.remaining() <= Duration::from_millis(150));
            sender.send(report.exit_code)
        })
        .expect("it is early");
        let report = runtime.shutdown("a test");
        assert_eq!(told.recv_timeout(LONG), Ok(0));
        assert_eq!((report.outcome, &report.incomplete[..]), (Outcome::Clean, &[][..]));
        drop(hold);
    }
}
