//! Values by type: what `main` provided, handed to hooks and tasks.

use std::any::{Any, TypeId, type_name};
use std::error::Error;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::{Duration, Instant};

use super::app::App;
use super::stop::Stop;
use crate::clock;
use crate::error::BoxError;
use crate::lifecycle::plan::PlanError;
use crate::lifecycle::reason::Reason;
use crate::lifecycle::report::{HookOutcome, Skip};
use crate::panics;
use crate::sync::lock;
use crate::text::{owned, shown};

/// When a hook's time is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Deadline(pub(crate) Instant);

impl Deadline {
    /// One of one's own, from now on; a hook's comes as its parameter.
    #[must_use]
    pub fn after(timeout: Duration) -> Self {
        let now = clock::now();
        Self(now.checked_add(timeout).unwrap_or(now))
    }

    /// What is left, zero once it has passed.
    #[must_use]
    pub fn remaining(self) -> Duration {
        clock::until(self.0)
    }

    /// The instant.
    #[must_use]
    pub fn instant(self) -> Instant {
        self.0
    }
}

/// The arguments of a hook or task, fetched by type.
///
/// Closures get it as their one parameter; the attributes use it behind the scenes. `Stop`, `App`, `Reason` and `Deadline`
/// are always there, under their types.
pub struct Args<'a> {
    pub(crate) values: &'a Values,
    pub(crate) app: &'a App,
    pub(crate) stop: &'a Stop,
    pub(crate) deadline: Option<Instant>,
    pub(crate) reason: Option<Reason>,
}

impl Args<'_> {
    /// A shared value; how `&T` is filled in.
    ///
    /// # Errors
    /// [`CallError::Missing`] when none was provided.
    pub fn shared<T: Send + Sync + 'static>(&mut self) -> Result<Arc<T>, CallError> {
        self.optional().and_then(|value| value.ok_or(CallError::Missing { type_name: type_name::<T>() }))
    }

    /// A shared value that may be missing; how `Option<&T>` is filled in.
    ///
    /// # Errors
    /// None today; the signature leaves room.
    pub fn optional<T: Send + Sync + 'static>(&mut self) -> Result<Option<Arc<T>>, CallError> {
        Ok(self.built_in::<T>().map(Arc::new).or_else(|| self.values.shared::<T>()))
    }

    /// A shared value; how `Arc<T>` is filled in.
    ///
    /// # Errors
    /// [`CallError::Missing`] when none was provided.
    pub fn arc<T: Send + Sync + 'static>(&mut self) -> Result<Arc<T>, CallError> {
        self.shared()
    }

    /// A value of one's own, taken once; how `T` is filled in.
    ///
    /// # Errors
    /// [`CallError::Missing`] when none was given, [`CallError::Held`] when somebody still holds it: a hook that reads it and
    /// was abandoned.
    pub fn owned<T: Send + Sync + 'static>(&mut self) -> Result<T, CallError> {
        match self.built_in::<T>() {
            Some(value) => Ok(value),
            None => self.values.take::<T>(),
        }
    }

    /// When the hook's time is over; for tasks, when they are asked for the last time.
    #[must_use]
    pub fn deadline(&self) -> Option<Deadline> {
        self.deadline.map(Deadline)
    }

    /// Why the service shuts down; `None` while it does not.
    #[must_use]
    pub fn reason(&self) -> Option<&Reason> {
        self.reason.as_ref()
    }

    /// The token.
    #[must_use]
    pub fn stop(&self) -> &Stop {
        self.stop
    }

    /// The values that the runtime itself provides, recognised by type and not by name.
    fn built_in<T: 'static>(&self) -> Option<T> {
        let mut found: Option<T> = None;
        let slot: &mut dyn Any = &mut found;
        if let Some(slot) = slot.downcast_mut::<Option<Stop>>() {
            *slot = Some(self.stop.clone());
        } else if let Some(slot) = slot.downcast_mut::<Option<App>>() {
            *slot = Some(self.app.clone());
        } else if let Some(slot) = slot.downcast_mut::<Option<Deadline>>() {
            *slot = self.deadline();
        } else if let Some(slot) = slot.downcast_mut::<Option<Reason>>() {
            *slot = self.reason.clone();
        }
        found
    }
}

impl fmt::Debug for Args<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Args").field("deadline", &self.deadline).field("reason", &self.reason).finish_non_exhaustive()
    }
}

/// Whether a type is one that the runtime itself provides.
pub(crate) fn is_built_in(id: TypeId) -> bool {
    [TypeId::of::<Stop>(), TypeId::of::<App>(), TypeId::of::<Deadline>(), TypeId::of::<Reason>()].contains(&id)
}

/// Why a hook or task did not run to a good end.
#[derive(Debug)]
#[non_exhaustive]
pub enum CallError {
    /// It returned an error.
    Failed(BoxError),
    /// The value it takes is still held elsewhere.
    Held {
        /// The type of the value.
        type_name: &'static str,
    },
    /// A value it needs was never provided.
    Missing {
        /// The type of the value.
        type_name: &'static str,
    },
}

impl CallError {
    /// What the user's function returned; a [`CallError`] that a closure passed on with `?` stays what it was.
    pub(crate) fn from_user(error: BoxError) -> Self {
        match error.downcast::<Self>() {
            Ok(call) => *call,
            Err(error) => Self::Failed(error),
        }
    }

    pub(crate) fn into_outcome(self) -> HookOutcome {
        match self {
            Self::Failed(error) => HookOutcome::Failed(chain(&*error)),
            Self::Held { type_name } => HookOutcome::Skipped(Skip::Held(owned(type_name))),
            Self::Missing { type_name } => HookOutcome::Skipped(Skip::Missing(owned(type_name))),
        }
    }
}

impl fmt::Display for CallError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Failed(error) => f.write_str(&chain(&**error)),
            Self::Held { type_name } => write!(f, "{type_name} is still held elsewhere"),
            Self::Missing { type_name } => write!(f, "no {type_name} was provided"),
        }
    }
}

impl Error for CallError {}

/// An error with everything behind it: `cannot open db: permission denied`.
pub(crate) fn chain(error: &(dyn Error + 'static)) -> String {
    let mut text = shown(&error);
    let mut next = error.source();
    while let Some(source) = next {
        let more = shown(&source);
        // Many errors repeat their source in their own text. Not `str::contains`, whose search is made for longer ones.
        let repeated = more.is_empty() || text.as_bytes().windows(more.len()).any(|part| part == more.as_bytes());
        if !repeated {
            text.push_str(": ");
            text.push_str(&more);
        }
        next = source.source();
    }
    text
}

/// What a registered function may return: `()` or a `Result<(), E>`.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not what a hook, a task or main can return",
    label = "return `()` or `Result<(), E>` where E converts into `Box<dyn Error + Send + Sync>`"
)]
pub trait Returned {
    /// The one form behind it.
    ///
    /// # Errors
    /// The function's own.
    fn into_result(self) -> Result<(), BoxError>;
}

impl Returned for () {
    fn into_result(self) -> Result<(), BoxError> {
        Ok(())
    }
}

impl<E: Into<BoxError>> Returned for Result<(), E> {
    fn into_result(self) -> Result<(), BoxError> {
        self.map_err(Into::into)
    }
}

/// All values, by type.
#[derive(Default)]
pub(crate) struct Values {
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    slots: Vec<Slot>,
    /// Values that were provided against the plan; told when the start completes.
    misuse: Vec<PlanError>,
}

struct Slot {
    id: TypeId,
    value: Arc<dyn Any + Send + Sync>,
    type_name: &'static str,
    ownership: Ownership,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Ownership {
    /// `provide`: `main` kept a handle.
    Shared,
    /// `give`: one hook may take it.
    Given,
}

impl Values {
    pub(crate) fn provide<T: Send + Sync + 'static>(&self, value: Arc<T>) {
        self.insert::<T>(value, Ownership::Shared);
    }

    pub(crate) fn give<T: Send + Sync + 'static>(&self, value: T) {
        self.insert::<T>(Arc::new(value), Ownership::Given);
    }

    /// Type names of the values that were shared, by type.
    pub(crate) fn is_shared(&self, id: TypeId) -> bool {
        self.lock().slot(id).is_some_and(|slot| slot.ownership == Ownership::Shared)
    }

    pub(crate) fn misuse(&self) -> Option<PlanError> {
        self.lock().misuse.pop()
    }

    /// Drops everything that is still held, outside the lock.
    pub(crate) fn clear(&self) {
        let slots = std::mem::take(&mut self.lock().slots);
        for slot in slots {
            // A destructor that panics has said so on stderr; the others run all the same.
            panics::drop_quietly(slot);
        }
    }

    fn insert<T: Send + Sync + 'static>(&self, value: Arc<T>, ownership: Ownership) {
        self.replace(Slot { id: TypeId::of::<T>(), value, type_name: type_name::<T>(), ownership });
    }

    fn replace(&self, slot: Slot) {
        let mut state = self.lock();
        let replaced = state.take(slot.id);
        if replaced.is_some() {
            state.misuse.push(PlanError::ProvidedTwice { type_name: slot.type_name });
        }
        state.slots.push(slot);
        drop(state);
        // Dropped only now: a user's destructor must not run under the lock.
        drop(replaced);
    }

    /// The value of a type that is known at run time only.
    pub(crate) fn find(&self, type_id: TypeId) -> Option<Arc<dyn Any + Send + Sync>> {
        self.lock().slot(type_id).map(|slot| Arc::clone(&slot.value))
    }

    fn shared<T: Send + Sync + 'static>(&self) -> Option<Arc<T>> {
        self.find(TypeId::of::<T>())?.downcast().ok()
    }

    fn take<T: Send + Sync + 'static>(&self) -> Result<T, CallError> {
        let type_name = type_name::<T>();
        let mut state = self.lock();
        if state.slot(TypeId::of::<T>()).is_some_and(|slot| slot.ownership == Ownership::Shared) {
            return Err(CallError::Held { type_name });
        }
        let Some(slot) = state.take(TypeId::of::<T>()) else { return Err(CallError::Missing { type_name }) };
        // Invariant: a slot holds a value of the type that is its key.
        let Ok(value) = slot.value.downcast::<T>() else { return Err(CallError::Missing { type_name }) };
        match Arc::try_unwrap(value) {
            Ok(value) => Ok(value),
            Err(held) => {
                state.slots.push(Slot { id: slot.id, value: held, type_name, ownership: Ownership::Given });
                Err(CallError::Held { type_name })
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        lock(&self.state)
    }
}

impl State {
    fn slot(&self, id: TypeId) -> Option<&Slot> {
        self.slots.iter().find(|slot| slot.id == id)
    }

    fn take(&mut self, id: TypeId) -> Option<Slot> {
        let place = self.slots.iter().position(|slot| slot.id == id)?;
        Some(self.slots.swap_remove(place))
    }
}

impl fmt::Debug for Values {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.lock().slots.iter().map(|slot| slot.type_name)).finish()
    }
}
