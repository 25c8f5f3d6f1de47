//! What protocols count beside connections and requests.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

/// A protocol's own counters. They are in the report under their group's name.
pub struct Counters {
    group: &'static str,
    entries: Box<[(&'static str, AtomicU64)]>,
}

/// What the counters of one group stand at.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct CounterGroup {
    /// Whose they are, as in `websockets`.
    pub name: &'static str,
    /// Name and value, in the protocol's order.
    pub values: Vec<(&'static str, u64)>,
}

impl Counters {
    /// Adds to the counter at a place among the group's names.
    ///
    /// # Panics
    /// When there is none at that place.
    pub fn add(&self, place: usize, count: u64) {
        self.entries[place].1.fetch_add(count, Ordering::Relaxed);
    }

    /// What it stands at.
    ///
    /// # Panics
    /// As for [`add`](Counters::add).
    #[must_use]
    pub fn value(&self, place: usize) -> u64 {
        self.entries[place].1.load(Ordering::Relaxed)
    }

    fn read(&self) -> CounterGroup {
        let values = self.entries.iter().map(|(name, value)| (*name, value.load(Ordering::Relaxed)));
        CounterGroup { name: self.group, values: values.collect() }
    }
}

impl CounterGroup {
    /// The value of the counter of that name.
    #[must_use]
    pub fn value(&self, name: &str) -> Option<u64> {
        self.values.iter().find(|(known, _)| *known == name).map(|(_, value)| *value)
    }
}

/// All groups, in the order in which they came to be.
#[derive(Default)]
pub(super) struct Groups(Mutex<Vec<Arc<Counters>>>);

impl Groups {
    /// The group of that name; made if there is none.
    pub(super) fn group(&self, group: &'static str, names: &[&'static str]) -> Arc<Counters> {
        let mut groups = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = groups.iter().find(|known| known.group == group) {
            return Arc::clone(known);
        }
        let new = Arc::new(Counters { group, entries: names.iter().map(|name| (*name, AtomicU64::new(0))).collect() });
        groups.push(Arc::clone(&new));
        new
    }

    pub(super) fn read(&self) -> Vec<CounterGroup> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).iter().map(|group| group.read()).collect()
    }
}

impl fmt::Debug for Counters {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Counters").field(&self.read()).finish()
    }
}
