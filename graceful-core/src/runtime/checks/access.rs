//! What a service is asked about its checks.

use super::check::Check;
use super::report::CheckReport;
use crate::config::Switch;
use crate::error::StartError;
use crate::lifecycle::phase::Phase;
use crate::runtime::app::App;

/// Checks.
impl App {
    /// Adds a check. It runs once the service serves, at once if it does already.
    ///
    /// One that is critical makes the service not ready until it has passed. Where the settings turn its kind off nothing is
    /// added.
    ///
    /// # Errors
    /// [`StartError::Plan`] when its name is taken or its times cannot be kept, [`StartError::Stopping`] when a shutdown has
    /// begun,
    /// [`StartError::Thread`] when the thread that runs the checks cannot be started.
    pub fn check(&self, mut check: Check) -> Result<(), StartError> {
        if self.inner.settings.checks(check.planned.kind) == Switch::Off {
            let fields = [("name", check.planned.name.clone().into()), ("kind", check.planned.kind.name().into())];
            self.observer().info("check is off", fields);
            return Ok(());
        }
        check.settle(&self.inner.settings);
        check.verify()?;
        let mut lifecycle = self.inner.lifecycle();
        if lifecycle.machine.phase().is_stopping() {
            return Err(StartError::Stopping);
        }
        lifecycle.machine.plan_mut().add_check(check.planned.clone())?;
        drop(lifecycle);
        (check.runner.take_on)(self, vec![check]);
        // The first of all, added while the service serves, has nobody who starts it.
        if self.phase() == Phase::Serving { self.start_checks() } else { Ok(()) }
    }

    /// What is known of every check, in the order in which they were added. Runs none of them, and waits for none.
    #[must_use]
    pub fn checks(&self) -> Vec<CheckReport> {
        self.inner.checks.reports()
    }

    /// Begins to run the checks, unless they run already.
    pub(crate) fn start_checks(&self) -> Result<(), StartError> {
        self.inner.checks.start(self).map_err(|source| StartError::Thread { name: "checks".to_owned(), source })
    }

    /// Whether no check of liveness fails: the process is not worth a restart. A shutdown changes nothing about it.
    #[must_use]
    pub fn is_alive(&self) -> bool {
        self.inner.checks.is_alive()
    }
}

#[cfg(all(test, not(graceful_shuttle)))]
mod tests {
    use std::sync::atomic::{AtomicBool, Ordering};
    use std::sync::{Arc, mpsc};
    use std::time::Duration;

    use super::*;
    use crate::lifecycle::checks::CheckKind;
    use crate::lifecycle::plan::PlanError;
    use crate::runtime::builder::Runtime;
    use crate::runtime::checks::{CheckOutcome, CheckStatus};
    use crate::runtime::inject::Args;

    const LONG: Duration = Duration::from_secs(60);

    fn check(name: &str) -> Check {
        Check::new(name, |_: &mut Args<'_>| ())
    }

    /// Waits for something that must come.
    fn until(holds: impl Fn() -> bool) {
        let end = std::time::Instant::now() + LONG;
        while !holds() {
            assert!(std::time::Instant::now() < end, "it did not come");
            std::thread::sleep(Duration::from_millis(1));
        }
    }

    #[test]
    fn what_cannot_be_kept_does_not_start() {
        let second = Duration::from_secs(1);
        let refused = |check: Check| {
            let error = Runtime::builder("checks").check(check).start().expect_err("refused");
            assert!(matches!(error, StartError::Plan(PlanError::UnusableCheck { .. })), "{error:?}");
            error.to_string()
        };
        assert_eq!(
            refused(check("db").timeout(10 * second)),
            "check db cannot be kept: its timeout of 10s is longer than its interval of 5s; write every = \"10s\" or more, or \
             timeout = \"5s\" or less"
        );
        refused(check("db").every(Duration::ZERO));
        refused(check("db").timeout(Duration::ZERO));
        refused(check("db").failures(0));
        refused(check("db").successes(0));
        let twice = Runtime::builder("checks").check(check("db")).check(check("db")).start().expect_err("refused");
        assert!(matches!(twice, StartError::Plan(PlanError::DuplicateName { .. })), "{twice:?}");

        let runtime = Runtime::builder("checks").check(check("db").every(second / 2)).start().expect("it fits");
        let error = runtime.app().check(check("late").timeout(10 * second)).expect_err("refused");
        assert!(matches!(error, StartError::Plan(PlanError::UnusableCheck { .. })), "{error:?}");
        assert!(matches!(runtime.app().check(check("db")), Err(StartError::Plan(_))), "the name is taken");
        let app = runtime.app().clone();
        drop(runtime.shutdown("the test is over"));
        assert!(matches!(app.check(check("later")), Err(StartError::Stopping)));
    }

    #[test]
    fn without_a_check_nothing_stands_in_the_way() {
        let runtime = Runtime::builder("checks").start().expect("it starts");
        let app = runtime.app().clone();
        assert!(!app.is_ready() && app.is_alive() && app.checks().is_empty());
        app.ready().expect("it serves");
        assert!(app.is_ready() && app.is_alive());
        drop(runtime.shutdown("the test is over"));
        assert!(!app.is_ready() && app.is_alive());
    }

    #[test]
    fn they_run_once_it_serves_and_are_told_to_stop() {
        let good = Arc::new(AtomicBool::new(false));
        let (tell, told) = mpsc::channel();
        let asked = Arc::clone(&good);
        let db = Check::new("d\0b", move |args: &mut Args<'_>| {
            // Nobody may be left to be told.
            let _ = tell.send(args.stop().clone());
            if asked.load(Ordering::SeqCst) { Ok(()) } else { Err("no answer") }
        });
        let alive = Check::new("alive", |_: &mut Args<'_>| Err::<(), _>("it is dead")).kind(CheckKind::Liveness);
        let db = db.every(Duration::from_millis(10)).critical();
        let runtime = Runtime::builder("checks").check(db).check(alive).start().expect("it starts");
        let app = runtime.app().clone();
        assert!(app.checks().iter().all(|check| check.status == CheckStatus::Unknown && check.runs == 0));
        assert!(app.is_alive(), "nothing is known");
        app.ready().expect("it serves");
        until(|| !app.is_alive());
        until(|| app.checks()[0].status == CheckStatus::Failing);
        assert!(!app.is_ready());
        assert_eq!(app.checks()[0].last, Some(CheckOutcome::Failed("no answer".into())));
        good.store(true, Ordering::SeqCst);
        until(|| app.is_ready());
        let stop = told.recv_timeout(LONG).expect("it ran");
        assert!(!stop.is_stopping());
        let report = runtime.shutdown("the test is over");
        assert!(report.incomplete.is_empty(), "{report}");
        assert!(stop.is_stopping() && !app.is_ready() && !app.is_alive());
        // The closure is dropped with what it holds, so the channel ends.
        let ended = loop {
            if let Err(ended) = told.recv_timeout(LONG) {
                break ended;
            }
        };
        assert_eq!(ended, mpsc::RecvTimeoutError::Disconnected);
    }

    #[test]
    fn one_that_hangs_does_not_hold_up_the_end() {
        let (release, hold) = mpsc::channel::<()>();
        let hangs =
            Check::new("hangs", move |_: &mut Args<'_>| hold.recv().unwrap_or(())).every(Duration::from_millis(20));
        let runtime = Runtime::builder("checks").check(hangs).start().expect("it starts");
        let app = runtime.app().clone();
        app.ready().expect("it serves");
        until(|| app.checks()[0].failures_in_a_row >= 3);
        let check = app.checks().remove(0);
        assert!(matches!(check.last, Some(CheckOutcome::TimedOut { .. })), "{check:?}");
        assert_eq!((check.status, check.runs), (CheckStatus::Failing, 1));
        assert!(check.running_since.is_some());
        let report = runtime.shutdown("the test is over");
        assert!(report.incomplete.is_empty() && report.took < Duration::from_secs(10), "{report}");
        drop(release);
    }
}
