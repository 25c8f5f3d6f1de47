//! From what was written to a check that cannot be wrong.

use std::time::Duration;

use crate::check::Kind;
use crate::check::args::{Args, Criticality, EVERY, TIMEOUT};
use crate::duration::{self, Bounds, DAY, Zero};
use crate::errors::Errors;
use crate::function::Function;
use crate::name;
use crate::output::{self, Returns};
use crate::params::{ByValue, Param};
use crate::paths::Root;
use crate::registration::Registration;

/// A valid check.
#[derive(Debug)]
pub(super) struct Check<'a> {
    pub(super) criticality: Criticality,
    /// `None`, as in all of these: what the core gives a check by default.
    pub(super) every: Option<Duration>,
    pub(super) failures: Option<u32>,
    pub(super) kind: Kind,
    pub(super) registration: Registration<'a>,
    pub(super) successes: Option<u32>,
    pub(super) timeout: Option<Duration>,
}

const EVERY_BOUNDS: Bounds = Bounds { zero: Zero::Refused("remove the option for the default of 5s"), most: DAY };

const TIMEOUT_BOUNDS: Bounds = Bounds { zero: Zero::Refused("remove the option for the default of 1s"), most: DAY };

/// A check runs again and again.
const BY_VALUE: ByValue = ByValue::Only { legal: &["App", "Deadline", "Stop"], absent: &["Reason"] };

impl<'a> Check<'a> {
    /// `None` when anything was wrong, here or before.
    pub(super) fn resolve(kind: Kind, args: Args, function: &'a Function, errors: &mut Errors) -> Option<Self> {
        let name = name::resolve(args.name.as_ref(), function, errors);
        let every = args.every.as_ref().and_then(|text| duration::resolve(text, EVERY, EVERY_BOUNDS, errors));
        let timeout = args.timeout.as_ref().and_then(|text| duration::resolve(text, TIMEOUT, TIMEOUT_BOUNDS, errors));
        // An interval that was written and is none has been reported, and says nothing about the timeout.
        if let (Some(written), Some(timeout), Some(interval)) =
            (&args.timeout, timeout, every.or(args.default_interval))
            && timeout > interval
        {
            let (interval, default) = match &args.every {
                Some(every) => (every.value.as_str(), ""),
                None => ("5s", " by default"),
            };
            let message = format!(
                "a check that may take {timeout} cannot run every {interval}, which is its interval{default}; \
                 write `every = \"{timeout}\"` or more, or `timeout = \"{interval}\"` or less",
                timeout = written.value,
            );
            errors.at(written, message);
        }
        let params = Param::resolve(function, BY_VALUE, errors);
        output::check(function, Returns::Hook, errors);
        if !errors.is_empty() {
            return None;
        }
        Some(Self {
            criticality: args.criticality,
            every,
            failures: args.failures.map(|failures| failures.value),
            kind,
            registration: Registration { function, root: Root::resolve(args.root), name: name?, params },
            successes: args.successes.map(|successes| successes.value),
            timeout,
        })
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::check;

    #[test]
    fn everything_may_be_left_out() {
        check("#[readiness] fn f() {}", &[]);
        check("#[liveness] fn f() -> Result<(), E> {}", &[]);
        check(
            "#[readiness(critical, every = \"10s\", timeout = \"10s\", failures = 1, successes = 1000, name = \"db\", \
             crate = a::b)] fn f(db: &Db, until: Deadline, stop: Stop, app: &App, cache: Option<&Cache>) {}",
            &[],
        );
    }

    #[test]
    fn a_timeout_fits_into_its_interval() {
        check("#[readiness(every = \"500ms\")] fn f() {}", &[]);
        check("#[readiness(timeout = \"5s\")] fn f() {}", &[]);
        check(
            "#[readiness(timeout = \"6s\")] fn f() {}",
            &[(
                "\"6s\"",
                "every 5s, which is its interval by default; write `every = \"6s\"` or more, or `timeout = \"5s\"`",
            )],
        );
        check(
            "#[liveness(every = \"1s\", timeout = \"1001ms\")] fn f() {}",
            &[(
                "\"1001ms\"",
                "every 1s, which is its interval; write `every = \"1001ms\"` or more, or `timeout = \"1s\"`",
            )],
        );
        // What is no interval says nothing about the timeout.
        check("#[liveness(every = 1, timeout = \"6s\")] fn f() {}", &[("1", "write `every = \"1s\"`")]);
        check("#[readiness(every = \"0s\")] fn f() {}", &[("\"0s\"", "remove the option for the default of 5s")]);
        check("#[readiness(timeout = \"0s\")] fn f() {}", &[("\"0s\"", "remove the option for the default of 1s")]);
    }

    #[test]
    fn thresholds_are_numbers_from_one_on() {
        check("#[readiness(failures = 0)] fn f() {}", &[("0", "write a number from 1 to 1000")]);
        check("#[readiness(successes = \"2\")] fn f() {}", &[("\"2\"", "write `successes = 2`")]);
    }

    #[test]
    fn critical_is_a_word() {
        let takes_none = "`critical` takes no value; write `critical`, or remove it";
        check("#[readiness(critical = true)] fn f() {}", &[("critical = true", takes_none)]);
        check("#[readiness(critical(yes))] fn f() {}", &[("critical(yes)", takes_none)]);
        check("#[readiness(critical, critical)] fn f() {}", &[("critical", "`critical` is given twice; remove one")]);
        check(
            "#[readiness(critcal)] fn f() {}",
            &[("critcal", "unknown option `critcal` of `#[readiness]`; write `critical`")],
        );
        check(
            "#[liveness(critical)] fn f() {}",
            &[(
                "critical",
                "unknown option `critical` of `#[liveness]`; write one of `every`, `timeout`, `failures`, `successes`, `name`, \
                 `crate`",
            )],
        );
    }

    #[test]
    fn values_are_not_used_up() {
        check("#[readiness] fn f(db: Db) {}", &[("Db", "by value are legal `Arc<T>`, `App`, `Deadline`, `Stop`")]);
        check(
            "#[liveness] fn f(why: Reason) {}",
            &[("Reason", "there is no `Reason` while the service runs; remove it")],
        );
        check("#[liveness] fn f() -> bool { true }", &[("bool", "write `-> Result<(), E>`")]);
    }
}
