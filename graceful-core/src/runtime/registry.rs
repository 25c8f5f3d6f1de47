//! What the attributes registered: data, gathered by the linker, read before `main` runs.

use std::any::TypeId;
use std::time::Duration;

use super::checks::CheckRunner;
use super::inject::{Args, CallError};
use super::reload::ReloadRunner;
use super::tasks::TaskRunner;
use crate::lifecycle::checks::{CheckKind, Criticality};
use crate::lifecycle::hooks::{HookPhase, Origin};
use crate::lifecycle::rank::rank;

/// What one attribute registered. The macros fill it in; it holds no logic.
#[derive(Debug)]
pub struct Registration {
    /// What it is.
    pub item: Item,
    /// Its name in plan, logs and report.
    pub name: &'static str,
    /// Where it was declared.
    pub origin: Origin,
    /// What it wants to be handed.
    pub params: &'static [Param],
    /// Fetches the arguments and calls the user's function.
    pub run: fn(&mut Args<'_>) -> Result<(), CallError>,
}

/// What was registered.
#[derive(Clone, Copy, Debug)]
pub enum Item {
    /// `#[liveness]`, `#[readiness]`.
    Check {
        /// Which of them.
        kind: CheckKind,
        /// Whether it decides anything.
        criticality: Criticality,
        /// **Default: `5 s`**.
        every: Option<Duration>,
        /// **Default: `1 s`**, or `every` where that is shorter.
        timeout: Option<Duration>,
        /// **Default: `3`**.
        failures: Option<u32>,
        /// **Default: `1`**.
        successes: Option<u32>,
        /// What runs it; named here so that it is linked only where there is a check.
        runner: &'static CheckRunner,
    },
    /// `#[cleanup]`.
    Cleanup {
        /// When.
        phase: HookPhase,
        /// In which order of that phase.
        order: i32,
        /// **Default: `5 s`**.
        timeout: Option<Duration>,
    },
    /// `#[task]`.
    Task {
        /// `None`: long-running.
        every: Option<Duration>,
        /// What a failure does.
        panic: PanicPolicy,
        /// What runs it.
        runner: TaskRunner,
    },
    /// `#[reload]`.
    Reload {
        /// After this long it is logged as late. **Default: `5 s`**.
        timeout: Option<Duration>,
        /// What runs it.
        runner: ReloadRunner,
    },
    /// Nothing: a registration that is only there.
    Nothing,
}

/// What happens when a task fails: panics, or returns an error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PanicPolicy {
    /// It is logged. A periodic task runs again at its next turn, a long-running one has ended.
    Ignore,
    /// It is logged and run again: a periodic task at its next turn, a long-running one after 100 ms, doubled with each
    /// failure in a row up to 30 s.
    Restart,
    /// The service shuts down and exits with 101 (panic) or 1 (error).
    Shutdown,
}

/// A parameter of a registered function.
#[derive(Clone, Copy, Debug)]
pub struct Param {
    pub(crate) type_id: TypeId,
    pub(crate) type_name: fn() -> &'static str,
    pub(crate) mode: Mode,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mode {
    Arc,
    Optional,
    Owned,
    Shared,
}

impl Param {
    /// `Arc<T>`.
    #[must_use]
    pub const fn arc<T: Send + Sync + 'static>() -> Self {
        Self::new::<T>(Mode::Arc)
    }

    /// `Option<&T>`.
    #[must_use]
    pub const fn optional<T: Send + Sync + 'static>() -> Self {
        Self::new::<T>(Mode::Optional)
    }

    /// `T`.
    #[must_use]
    pub const fn owned<T: Send + Sync + 'static>() -> Self {
        Self::new::<T>(Mode::Owned)
    }

    /// `&T`.
    #[must_use]
    pub const fn shared<T: Send + Sync + 'static>() -> Self {
        Self::new::<T>(Mode::Shared)
    }

    const fn new<T: 'static>(mode: Mode) -> Self {
        Self { type_id: TypeId::of::<T>(), type_name: std::any::type_name::<T>, mode }
    }
}

/// A function that carries one of the attributes, named as a type: `#[graceful::main(hooks = [close_db])]`.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a hook",
    label = "this carries none of the attributes of graceful",
    note = "write #[graceful::cleanup] above the function"
)]
pub trait Registered {
    /// What its attribute registered.
    const REGISTRATION: &'static Registration;
}

/// What the linker gathers.
#[derive(Debug)]
pub struct Submitted(pub &'static Registration);

inventory::collect!(Submitted);

/// Everything that was registered automatically, in an order that does not depend on the linker.
pub(crate) fn registered() -> Vec<&'static Registration> {
    let all: Vec<_> = inventory::iter::<Submitted>.into_iter().map(|submitted| submitted.0).collect();
    rank(all.len(), &|a, b| all[a].origin.cmp(&all[b].origin)).into_iter().map(|place| all[place]).collect()
}

/// Proves that the linker gathers anything at all in this build; see [`works`].
static SENTINEL: Registration = Registration {
    item: Item::Nothing,
    name: "",
    origin: Origin { krate: "graceful-core", module: module_path!(), file: file!(), line: 0 },
    params: &[],
    run: |_| Ok(()),
};

inventory::submit! { Submitted(&SENTINEL) }

impl Registration {
    pub(crate) fn is_sentinel(&self) -> bool {
        self.name.is_empty()
    }
}
