//! From what was written to a task that cannot be wrong.

use std::time::Duration;

use crate::duration::{self, Bounds, WEEK, Zero};
use crate::errors::Errors;
use crate::function::Function;
use crate::output::{self, Returns};
use crate::params::{ByValue, Param};
use crate::paths::Root;
use crate::registration::Registration;
use crate::task::args::{Args, EVERY, Kind, PANIC};
use crate::{choice, name};

/// A valid task.
#[derive(Debug)]
pub(super) struct Task<'a> {
    /// `None`: long-running.
    pub(super) every: Option<Duration>,
    pub(super) panic: Panic,
    pub(super) registration: Registration<'a>,
}

/// What a panic of the task leads to.
#[derive(Clone, Copy, Debug)]
pub(super) enum Panic {
    Ignore,
    Restart,
    Shutdown,
}

const PANICS: [(&str, Panic); 3] =
    [("ignore", Panic::Ignore), ("restart", Panic::Restart), ("shutdown", Panic::Shutdown)];

const EVERY_BOUNDS: Bounds = Bounds { zero: Zero::Refused("write for example `every = \"30s\"`"), most: WEEK };

/// A task may run many times, by its interval or because it is restarted.
const BY_VALUE: ByValue = ByValue::Only { legal: &["App", "Stop"], absent: &["Deadline", "Reason"] };

impl<'a> Task<'a> {
    /// `None` when anything was wrong, here or before.
    pub(super) fn resolve(args: Args, function: &'a Function, errors: &mut Errors) -> Option<Self> {
        let name = name::resolve(args.name.as_ref(), function, errors);
        let every = args.every.and_then(|text| duration::resolve(&text, EVERY, EVERY_BOUNDS, errors));
        let panic = match (args.panic, args.kind) {
            (Some(word), _) => choice::resolve(&word, PANIC, &PANICS, errors),
            // The next run is the restart.
            (None, Kind::Periodic) => Some(Panic::Ignore),
            // The service was built to have this thread, and would silently go on without it.
            (None, Kind::LongRunning) => Some(Panic::Shutdown),
        };
        let params = Param::resolve(function, BY_VALUE, errors);
        if args.kind == Kind::LongRunning && !function.is_method() && !params.iter().any(|param| param.is("Stop")) {
            let message = "a task without `every` runs until it is told to stop; \
                           add the parameter `stop: &graceful::Stop`, or write `#[task(every = \"30s\")]`";
            errors.at(&function.sig.ident, message);
        }
        output::check(function, Returns::Task, errors);
        if !errors.is_empty() {
            return None;
        }
        Some(Self {
            every,
            panic: panic?,
            registration: Registration { function, root: Root::resolve(args.root), name: name?, params },
        })
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::check;

    #[test]
    fn long_running_tasks_can_be_stopped() {
        check("#[task] fn f(stop: &Stop) {}", &[]);
        check("#[task] fn f(db: &Db, stop: graceful::Stop) {}", &[]);
        check(
            "#[task] fn f() {}",
            &[("f", "add the parameter `stop: &graceful::Stop`, or write `#[task(every = \"30s\")]`")],
        );
        check("#[task(name = \"x\")] fn f(stop: Option<&Stop>) {}", &[("f", "add the parameter")]);
        // Whoever writes `every` means a periodic task; only what is wrong with the interval is reported.
        check("#[task(every = 30)] fn f() {}", &[("30", "write `every = \"30s\"`")]);
        check("#[task(every)] fn f() {}", &[("every", "write `every = \"30s\"`")]);
    }

    #[test]
    fn intervals() {
        check("#[task(every = \"7days\")] fn f() {}", &[]);
        check("#[task(every = \"0s\")] fn f() {}", &[("\"0s\"", "write for example `every = \"30s\"`")]);
        check("#[task(every = \"1M\")] fn f() {}", &[("\"1M\"", "is longer than 168h")]);
    }

    #[test]
    fn values_are_not_used_up() {
        check("#[task(every = \"1s\")] fn f(a: &A, b: Arc<B>, c: Option<&C>, app: App, stop: Stop) {}", &[]);
        check(
            "#[task(every = \"1s\")] fn f(db: Db) {}",
            &[("Db", "write `&Db` or `Arc<Db>` (by value are legal `Arc<T>`, `App`, `Stop`)")],
        );
        check(
            "#[task(every = \"1s\")] fn f(until: Deadline) {}",
            &[("Deadline", "there is no `Deadline` while the service runs; remove it")],
        );
        check("#[reload] fn f(a: &A, until: Deadline, app: App, stop: Stop) {}", &[]);
        check(
            "#[reload] fn f(why: Reason) {}",
            &[("Reason", "there is no `Reason` while the service runs; remove it")],
        );
        check("#[reload] fn f(db: Db) {}", &[("Db", "by value are legal `Arc<T>`, `App`, `Deadline`, `Stop`")]);
        check("#[cleanup] fn f(db: Db) {}", &[]);
    }
}
