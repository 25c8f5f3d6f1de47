//! The cache.

use std::borrow::Borrow;
use std::fmt;
use std::hash::Hash;
use std::sync::atomic::{AtomicU64, Ordering};

/// So many values by their keys, the least useful one making room for a new one. For any number of threads.
///
/// It is `quick_cache`'s, which keeps what is asked for again and again and is fast when many threads ask.
pub struct Cache<K, V> {
    values: quick_cache::sync::Cache<K, V>,
    invalidations: AtomicU64,
}

/// What a cache was good for.
///
/// [`Display`](fmt::Display) is the line for the log: `hits=3 misses=1 invalidations=0 hit_rate=75.0% entries=1`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Statistics {
    /// Lookups that found something.
    pub hits: u64,
    /// Lookups that did not.
    pub misses: u64,
    /// Values that were removed because they had become wrong; not those that made room.
    pub invalidations: u64,
    /// Values that are there.
    pub entries: usize,
}

impl<K: Hash + Eq + Clone, V: Clone> Cache<K, V> {
    /// An empty one for so many values.
    #[must_use]
    pub fn new(capacity: usize) -> Self {
        Self { values: quick_cache::sync::Cache::new(capacity.max(1)), invalidations: AtomicU64::new(0) }
    }

    /// A copy of a value, so values that are expensive to copy are best kept as `Arc`.
    #[must_use]
    pub fn get<Q>(&self, key: &Q) -> Option<V>
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        self.values.get(key)
    }

    /// The value, or what `make` makes of nothing: once, however many threads ask at the same time; the others wait for it.
    ///
    /// # Errors
    /// That of `make`; nothing is stored then.
    pub fn get_or_try_insert<E>(&self, key: &K, make: impl FnOnce() -> Result<V, E>) -> Result<V, E> {
        self.values.get_or_insert_with(key, make)
    }

    /// Stores a value, in place of the one that was there.
    pub fn insert(&self, key: K, value: V) {
        self.values.insert(key, value);
    }

    /// Removes a value that has become wrong, and counts it. Tells whether it was there.
    pub fn invalidate<Q>(&self, key: &Q) -> bool
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        let removed = self.values.remove(key).is_some();
        self.invalidations.fetch_add(u64::from(removed), Ordering::Relaxed);
        removed
    }

    /// Removes all values. Not counted.
    pub fn clear(&self) {
        self.values.clear();
    }

    /// What it was good for so far.
    #[must_use]
    pub fn statistics(&self) -> Statistics {
        Statistics {
            hits: self.values.hits(),
            misses: self.values.misses(),
            invalidations: self.invalidations.load(Ordering::Relaxed),
            entries: self.values.len(),
        }
    }
}

impl Statistics {
    /// Between 0 and 1; 0 when nothing was looked up.
    #[must_use]
    pub fn hit_rate(&self) -> f64 {
        let lookups = self.hits + self.misses;
        if lookups == 0 { 0.0 } else { self.hits as f64 / lookups as f64 }
    }
}

impl fmt::Display for Statistics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { hits, misses, invalidations, entries } = self;
        let rate = 100.0 * self.hit_rate();
        write!(f, "hits={hits} misses={misses} invalidations={invalidations} hit_rate={rate:.1}% entries={entries}")
    }
}

impl<K, V> fmt::Debug for Cache<K, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Cache").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_what_it_was_asked() {
        let cache = Cache::new(10);
        assert_eq!(cache.statistics().to_string(), "hits=0 misses=0 invalidations=0 hit_rate=0.0% entries=0");
        assert_eq!(cache.get("tea"), None);
        cache.insert("tea".to_owned(), 3);
        assert_eq!(cache.get("tea"), Some(3));
        assert_eq!(cache.get_or_try_insert(&"tea".to_owned(), || Err("not asked")), Ok(3));
        assert_eq!(cache.get_or_try_insert(&"milk".to_owned(), || Err("none")), Err("none"));
        assert_eq!(cache.get_or_try_insert(&"milk".to_owned(), || Ok::<_, ()>(1)), Ok(1));
        assert!(cache.invalidate("tea") && !cache.invalidate("tea"));
        let Statistics { hits, invalidations, entries, .. } = cache.statistics();
        assert_eq!((hits, invalidations, entries), (2, 1, 1));
        cache.clear();
        assert_eq!(cache.statistics().entries, 0);
    }

    #[test]
    fn holds_no_more_than_it_may() {
        let cache = Cache::new(8);
        for number in 0..1000 {
            cache.insert(number, ());
        }
        assert!(cache.statistics().entries <= 8);
    }
}
