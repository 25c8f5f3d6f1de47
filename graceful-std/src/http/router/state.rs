//! Values that handlers ask for by their type.

use std::any::{Any, TypeId, type_name};
use std::sync::Arc;

use super::error::RouteError;

/// Whoever has values from outside of the routers: what `main` provided.
pub(crate) trait StateLookup {
    /// The value of that type, if there is one.
    fn get(&self, id: TypeId) -> Option<Arc<dyn Any + Send + Sync>>;
}

impl<F: Fn(TypeId) -> Option<Arc<dyn Any + Send + Sync>>> StateLookup for F {
    fn get(&self, id: TypeId) -> Option<Arc<dyn Any + Send + Sync>> {
        self(id)
    }
}

/// What a handler may ask for where it stands: the values of its router, of those around it, and of `main`.
pub struct States<'a> {
    own: &'a Own,
    around: Around<'a>,
}

#[derive(Clone, Copy)]
pub(super) enum Around<'a> {
    Main(&'a dyn StateLookup),
    Router(&'a States<'a>),
}

/// The values of one router.
#[derive(Default)]
pub(super) struct Own {
    values: Vec<(TypeId, Arc<dyn Any + Send + Sync>)>,
    /// A type that was given twice.
    twice: Option<&'static str>,
}

/// A value that a function asks for is nowhere.
#[derive(Debug)]
pub struct MissingState {
    pub(super) type_name: &'static str,
}

impl<'a> States<'a> {
    pub(super) fn new(own: &'a Own, around: Around<'a>) -> Self {
        Self { own, around }
    }

    pub(crate) fn get<T: Send + Sync + 'static>(&self) -> Result<Arc<T>, MissingState> {
        // Invariant: a value is found under its own type only.
        let value = self.find(TypeId::of::<T>()).and_then(|value| value.downcast().ok());
        value.ok_or(MissingState { type_name: type_name::<T>() })
    }

    fn find(&self, id: TypeId) -> Option<Arc<dyn Any + Send + Sync>> {
        match (self.own.get(id), self.around) {
            (Some(value), _) => Some(Arc::clone(value)),
            (None, Around::Router(states)) => states.find(id),
            (None, Around::Main(values)) => values.get(id),
        }
    }
}

impl Own {
    pub(super) fn insert<T: Send + Sync + 'static>(&mut self, value: Arc<T>) {
        if self.get(TypeId::of::<T>()).is_some() {
            self.twice = Some(type_name::<T>());
        }
        self.values.push((TypeId::of::<T>(), value));
    }

    fn get(&self, id: TypeId) -> Option<&Arc<dyn Any + Send + Sync>> {
        self.values.iter().find(|(known, _)| *known == id).map(|(_, value)| value)
    }

    pub(super) fn check(&self) -> Result<(), RouteError> {
        match self.twice {
            Some(type_name) => Err(RouteError::StateTwice { type_name }),
            None => Ok(()),
        }
    }
}

impl std::fmt::Debug for States<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("States").field("own", &self.own.values.len()).finish_non_exhaustive()
    }
}
