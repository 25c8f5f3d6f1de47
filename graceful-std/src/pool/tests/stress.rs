//! Many threads at once, in any order.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use graceful_core::Deadline;
use proptest::prelude::*;

use super::SOON;
use super::fake::pool;
use crate::pool::{PoolError, PoolState};

/// What a thread does, again and again until the pool is closed.
#[derive(Clone, Copy, Debug)]
enum Habit {
    /// Takes one and gives it back at once.
    Quick,
    /// Keeps it for a moment.
    Slow,
    /// Keeps it until it is cancelled.
    Stubborn,
    /// Breaks it.
    Rough,
    /// Has no patience.
    Hasty,
}

fn habit() -> impl Strategy<Value = Habit> {
    prop_oneof![
        4 => Just(Habit::Quick),
        3 => Just(Habit::Slow),
        1 => Just(Habit::Stubborn),
        1 => Just(Habit::Rough),
        2 => Just(Habit::Hasty),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, failure_persistence: None, ..ProptestConfig::default() })]

    /// However they meet: everybody ends, nobody has more than there are, each connection is counted once, none stays open.
    #[test]
    fn nothing_is_lost_or_counted_twice(
        size in 1_u32..5,
        habits in prop::collection::vec(habit(), 1..8),
        closers in 1_usize..4,
        delay in 0_u64..10,
    ) {
        let (pool, books) = pool(size);
        let out = AtomicUsize::new(0);
        let results = thread::scope(|scope| {
            for habit in &habits {
                scope.spawn(|| loop {
                    let patience = if matches!(habit, Habit::Hasty) { Duration::from_micros(50) } else { SOON };
                    let mut connection = match pool.get_timeout(patience) {
                        Ok(connection) => connection,
                        Err(PoolError::Closed { .. }) => return,
                        Err(PoolError::TimedOut { .. }) if matches!(habit, Habit::Hasty) => continue,
                        Err(error) => panic!("{error}"),
                    };
                    assert!(out.fetch_add(1, Ordering::SeqCst) < size as usize);
                    match habit {
                        Habit::Quick | Habit::Hasty => {}
                        Habit::Slow => thread::sleep(Duration::from_millis(1)),
                        Habit::Stubborn => drop(connection.query()),
                        Habit::Rough => connection.broken = true,
                    }
                    out.fetch_sub(1, Ordering::SeqCst);
                    drop(connection);
                });
            }
            thread::sleep(Duration::from_millis(delay));
            // Stubborn ones are cancelled a quarter before that.
            let close = || pool.close(Deadline::after(Duration::from_millis(800)));
            let closers: Vec<_> = (0..closers).map(|_| scope.spawn(close)).collect();
            closers.into_iter().map(|closer| closer.join().expect("no panic")).collect::<Vec<_>>()
        });
        let first = results[0].clone();
        prop_assert!(first.is_ok(), "{first:?}");
        prop_assert!(results.iter().all(|result| *result == first), "{results:?}");
        let first = first.expect("it is");
        prop_assert!(first.idle + first.returned + first.cancelled <= size as usize, "{first:?}");
        prop_assert_eq!(pool.status().state, PoolState::Closed);
        prop_assert_eq!(pool.status().out, 0);
        books.all_closed();
    }
}
