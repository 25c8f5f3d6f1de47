//! The wait for another connection's lock, which can be cancelled.
//!
//! `sqlite3_interrupt` does not end it: SQLite asks its busy handler between two attempts, and nothing but that. The handler
//! runs on the thread that waits, and rusqlite takes a plain function for it, which is told how often it has been asked and
//! not for whom. So there is one function for each place in a table, and a connection has a place as long as it lives.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use ::rusqlite::Connection;

/// How one connection waits. Its place is free again when this is dropped.
pub(super) struct Waiting {
    place: usize,
}

struct Place {
    wait: Mutex<Wait>,
    /// It was cancelled.
    over: Condvar,
}

struct Wait {
    taken: bool,
    /// How long it may take, each time.
    patience: Duration,
    /// When the present one is over.
    until: Option<Instant>,
    cancelled: bool,
}

type Handler = fn(i32) -> bool;

const ROWS: usize = 16;
const COLUMNS: usize = 16;

static PLACES: [Place; ROWS * COLUMNS] = [const { Place::new() }; ROWS * COLUMNS];

/// Between two attempts, in milliseconds, as SQLite's own handler has it; after the last it stays with that.
const PAUSES: [u64; 12] = [1, 2, 5, 10, 15, 20, 25, 25, 25, 50, 50, 100];

impl Waiting {
    /// Takes over from SQLite's own handler, with the timeout that it has. A connection that does not wait, or that has a
    /// handler of the user's, is left as it is, and so is one for which there is no place.
    pub(super) fn take_over(connection: &Connection) -> Option<Self> {
        let millis: u32 = connection.pragma_query_value(None, "busy_timeout", |row| row.get(0)).ok()?;
        if millis == 0 {
            return None;
        }
        let place = PLACES.iter().position(|place| place.take(Duration::from_millis(millis.into())))?;
        // Dropped, and the place with it, if SQLite refuses.
        let waiting = Self { place };
        connection.busy_handler(Some(HANDLERS[place / COLUMNS][place % COLUMNS])).ok()?;
        Some(waiting)
    }

    /// Ends the present wait. It has no effect on the next one.
    pub(super) fn cancel(&self) {
        PLACES[self.place].lock().cancelled = true;
        PLACES[self.place].over.notify_all();
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        PLACES[self.place].lock().taken = false;
    }
}

impl Place {
    const fn new() -> Self {
        let wait = Wait { taken: false, patience: Duration::ZERO, until: None, cancelled: false };
        Self { wait: Mutex::new(wait), over: Condvar::new() }
    }

    /// Whether it was free.
    fn take(&self, patience: Duration) -> bool {
        let mut wait = self.lock();
        if wait.taken {
            return false;
        }
        *wait = Wait { taken: true, patience, until: None, cancelled: false };
        true
    }

    /// Waits for a while; whether it is to be tried again.
    fn pause(&self, attempt: i32) -> bool {
        let mut wait = self.lock();
        let mut now = Instant::now();
        if attempt == 0 {
            wait.cancelled = false;
            wait.until = now.checked_add(wait.patience);
        }
        let pause = usize::try_from(attempt).ok().and_then(|attempt| PAUSES.get(attempt)).copied().unwrap_or(100);
        let next = now + Duration::from_millis(pause);
        loop {
            if wait.cancelled || wait.until.is_some_and(|until| until <= now) {
                return false;
            }
            let next = wait.until.map_or(next, |until| until.min(next));
            if next <= now {
                return true;
            }
            wait = self.over.wait_timeout(wait, next - now).unwrap_or_else(PoisonError::into_inner).0;
            now = Instant::now();
        }
    }

    fn lock(&self) -> MutexGuard<'_, Wait> {
        self.wait.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

static HANDLERS: [[Handler; COLUMNS]; ROWS] = [
    row::<0>(),
    row::<1>(),
    row::<2>(),
    row::<3>(),
    row::<4>(),
    row::<5>(),
    row::<6>(),
    row::<7>(),
    row::<8>(),
    row::<9>(),
    row::<10>(),
    row::<11>(),
    row::<12>(),
    row::<13>(),
    row::<14>(),
    row::<15>(),
];

const fn row<const ROW: usize>() -> [Handler; COLUMNS] {
    [
        at::<ROW, 0>,
        at::<ROW, 1>,
        at::<ROW, 2>,
        at::<ROW, 3>,
        at::<ROW, 4>,
        at::<ROW, 5>,
        at::<ROW, 6>,
        at::<ROW, 7>,
        at::<ROW, 8>,
        at::<ROW, 9>,
        at::<ROW, 10>,
        at::<ROW, 11>,
        at::<ROW, 12>,
        at::<ROW, 13>,
        at::<ROW, 14>,
        at::<ROW, 15>,
    ]
}

fn at<const ROW: usize, const COLUMN: usize>(attempt: i32) -> bool {
    PLACES[ROW * COLUMNS + COLUMN].pause(attempt)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_place_has_a_handler_of_its_own() {
        let connections: Vec<_> = (0..4).map(|_| Connection::open_in_memory().expect("memory")).collect();
        let waiting: Vec<_> = connections.iter().map(|it| Waiting::take_over(it).expect("there is room")).collect();
        let mut places: Vec<usize> = waiting.iter().map(|waiting| waiting.place).collect();
        places.dedup();
        assert_eq!(places.len(), 4);
        for Waiting { place } in &waiting {
            let handler = HANDLERS[place / COLUMNS][place % COLUMNS];
            assert!(handler(0), "there is time");
            PLACES[*place].lock().cancelled = true;
            assert!(!handler(1), "it is cancelled");
            assert!(handler(0), "the next one is not");
        }
    }

    #[test]
    fn who_does_not_wait_is_left_alone() {
        let connection = Connection::open_in_memory().expect("memory");
        connection.busy_timeout(Duration::ZERO).expect("it can be set");
        assert!(Waiting::take_over(&connection).is_none());
    }

    #[test]
    fn a_place_is_given_again() {
        let connection = Connection::open_in_memory().expect("memory");
        for _ in 0..2 * ROWS * COLUMNS {
            connection.busy_timeout(Duration::from_secs(1)).expect("it can be set");
            drop(Waiting::take_over(&connection).expect("there is room"));
        }
    }
}
