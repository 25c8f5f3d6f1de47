//! From what was written to a hook that cannot be wrong.

use std::time::Duration;

use crate::cleanup::args::{Args, PHASE, TIMEOUT};
use crate::duration::{self, Bounds, DAY, Zero};
use crate::errors::Errors;
use crate::function::Function;
use crate::output::{self, Returns};
use crate::params::{ByValue, Param};
use crate::paths::Root;
use crate::registration::Registration;
use crate::{choice, name};

/// A valid cleanup hook.
#[derive(Debug)]
pub(super) struct Cleanup<'a> {
    pub(super) order: i32,
    pub(super) phase: Phase,
    pub(super) registration: Registration<'a>,
    /// `None`: what the core gives a hook by default.
    pub(super) timeout: Option<Duration>,
}

/// When the hook runs.
#[derive(Clone, Copy, Debug)]
pub(super) enum Phase {
    BeforeDrain,
    Cleanup,
    Flush,
}

const PHASES: [(&str, Phase); 3] =
    [("before_drain", Phase::BeforeDrain), ("cleanup", Phase::Cleanup), ("flush", Phase::Flush)];

const TIMEOUT_BOUNDS: Bounds = Bounds { zero: Zero::Refused("remove the option for the default of 5s"), most: DAY };

impl<'a> Cleanup<'a> {
    /// `None` when anything was wrong, here or before.
    pub(super) fn resolve(args: Args, function: &'a Function, errors: &mut Errors) -> Option<Self> {
        let name = name::resolve(args.name.as_ref(), function, errors);
        let timeout = args.timeout.and_then(|text| duration::resolve(&text, TIMEOUT, TIMEOUT_BOUNDS, errors));
        let phase = match args.phase {
            Some(word) => choice::resolve(&word, PHASE, &PHASES, errors),
            None => Some(Phase::Cleanup),
        };
        let params = Param::resolve(function, ByValue::Any, errors);
        output::check(function, Returns::Hook, errors);
        if !errors.is_empty() {
            return None;
        }
        Some(Self {
            order: args.order.map_or(0, |order| order.value),
            phase: phase?,
            registration: Registration { function, root: Root::resolve(args.root), name: name?, params },
            timeout,
        })
    }
}
