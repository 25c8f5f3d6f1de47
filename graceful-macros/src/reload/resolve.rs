//! From what was written to a reload hook that cannot be wrong.

use std::time::Duration;

use crate::duration::{self, Bounds, DAY, Zero};
use crate::errors::Errors;
use crate::function::Function;
use crate::name;
use crate::output::{self, Returns};
use crate::params::{ByValue, Param};
use crate::paths::Root;
use crate::registration::Registration;
use crate::reload::args::{Args, TIMEOUT};

/// A valid reload hook.
#[derive(Debug)]
pub(super) struct Reload<'a> {
    pub(super) registration: Registration<'a>,
    /// `None`: what the core gives a hook by default.
    pub(super) timeout: Option<Duration>,
}

const TIMEOUT_BOUNDS: Bounds = Bounds { zero: Zero::Refused("remove the option for the default of 5s"), most: DAY };

/// A reload may happen many times.
const BY_VALUE: ByValue = ByValue::Only { legal: &["App", "Deadline", "Stop"], absent: &["Reason"] };

impl<'a> Reload<'a> {
    /// `None` when anything was wrong, here or before.
    pub(super) fn resolve(args: Args, function: &'a Function, errors: &mut Errors) -> Option<Self> {
        let name = name::resolve(args.name.as_ref(), function, errors);
        let timeout = args.timeout.and_then(|text| duration::resolve(&text, TIMEOUT, TIMEOUT_BOUNDS, errors));
        let params = Param::resolve(function, BY_VALUE, errors);
        output::check(function, Returns::Hook, errors);
        if !errors.is_empty() {
            return None;
        }
        Some(Self {
            registration: Registration { function, root: Root::resolve(args.root), name: name?, params },
            timeout,
        })
    }
}
