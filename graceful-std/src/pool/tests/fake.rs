//! A manager that does as it is told, and its books.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;

use ::r2d2::ManageConnection;
use graceful_core::{BoxError, Deadline};

use crate::pool::{Canceller, Managed, Pool};

/// What it is told to do wrong.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Told {
    pub(super) fail_farewell: bool,
    pub(super) fail_to_cancel: bool,
    pub(super) hang_in_cancel: bool,
    pub(super) hang_in_farewell: bool,
    pub(super) hang_in_test: bool,
    pub(super) no_canceller: bool,
    pub(super) panic_in_cancel: bool,
    pub(super) refuse: bool,
}

#[derive(Debug)]
pub(super) struct Fake {
    told: Told,
    books: Arc<Books>,
}

/// What happened, and where those hang who were told to.
#[derive(Debug, Default)]
pub(super) struct Books {
    opened: AtomicUsize,
    closed: AtomicUsize,
    cancelled: AtomicUsize,
    pub(super) cancellers: AtomicUsize,
    pub(super) farewells: AtomicUsize,
    free: Mutex<bool>,
    freed: Condvar,
}

#[derive(Debug)]
pub(super) struct Connection {
    told: Told,
    books: Arc<Books>,
    /// How often it was cancelled.
    cancelled: Arc<(Mutex<usize>, Condvar)>,
    pub(super) broken: bool,
}

/// A pool of so many connections.
pub(super) fn pool(size: u32) -> (Pool<Fake>, Arc<Books>) {
    pool_that(Told::default(), size)
}

pub(super) fn pool_that(told: Told, size: u32) -> (Pool<Fake>, Arc<Books>) {
    let (fake, books) = Fake::new(told);
    let builder = ::r2d2::Pool::builder().max_size(size).error_handler(Box::new(::r2d2::NopErrorHandler));
    let builder = builder.connection_timeout(Duration::from_secs(20)).idle_timeout(None).max_lifetime(None);
    let pool = if told.refuse { builder.build_unchecked(fake) } else { builder.build(fake).expect("a pool") };
    (Pool::new("orders", pool), books)
}

impl Fake {
    pub(super) fn new(told: Told) -> (Self, Arc<Books>) {
        let books = Arc::new(Books::default());
        (Self { told, books: Arc::clone(&books) }, books)
    }
}

impl Books {
    pub(super) fn open(&self) -> usize {
        self.opened.load(Ordering::SeqCst) - self.closed.load(Ordering::SeqCst)
    }

    /// Waits for it: a thread of r2d2's that has just opened one still refers to the pool for a moment.
    #[track_caller]
    pub(super) fn all_closed(&self) {
        super::until(|| self.open() == 0);
    }

    pub(super) fn opened(&self) -> usize {
        self.opened.load(Ordering::SeqCst)
    }

    pub(super) fn cancelled(&self) -> usize {
        self.cancelled.load(Ordering::SeqCst)
    }

    /// Those who hang go on.
    pub(super) fn let_go(&self) {
        *self.free.lock().expect("nobody panics in there") = true;
        self.freed.notify_all();
    }

    fn hang(&self) {
        let free = self.free.lock().expect("nobody panics in there");
        drop(self.freed.wait_while(free, |free| !*free).expect("nobody panics in there"));
    }
}

impl Connection {
    /// Runs until it is cancelled.
    pub(super) fn query(&mut self) -> Result<(), &'static str> {
        let (count, changed) = &*self.cancelled;
        let count = count.lock().expect("nobody panics in there");
        let before = *count;
        drop(changed.wait_while(count, |count| *count == before).expect("nobody panics in there"));
        Err("cancelled")
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.books.closed.fetch_add(1, Ordering::SeqCst);
    }
}

impl ManageConnection for Fake {
    type Connection = Connection;
    type Error = std::io::Error;

    fn connect(&self) -> std::io::Result<Connection> {
        if self.told.refuse {
            return Err(std::io::Error::other("refused as told"));
        }
        self.books.opened.fetch_add(1, Ordering::SeqCst);
        Ok(Connection { told: self.told, books: Arc::clone(&self.books), cancelled: Arc::default(), broken: false })
    }

    fn is_valid(&self, _: &mut Connection) -> std::io::Result<()> {
        if self.told.hang_in_test {
            self.books.hang();
        }
        Ok(())
    }

    fn has_broken(&self, connection: &mut Connection) -> bool {
        connection.broken
    }
}

impl Managed for Fake {
    fn canceller(connection: &mut Connection) -> Option<Canceller> {
        connection.books.cancellers.fetch_add(1, Ordering::SeqCst);
        if connection.told.no_canceller {
            return None;
        }
        let (told, books, cancelled) =
            (connection.told, Arc::clone(&connection.books), Arc::clone(&connection.cancelled));
        Some(Arc::new(move || {
            if told.hang_in_cancel {
                books.hang();
            }
            assert!(!told.panic_in_cancel, "as it was told");
            if told.fail_to_cancel {
                return Err("no way, as told".into());
            }
            books.cancelled.fetch_add(1, Ordering::SeqCst);
            *cancelled.0.lock().expect("nobody panics in there") += 1;
            cancelled.1.notify_all();
            Ok(())
        }))
    }

    fn farewell(pool: &::r2d2::Pool<Self>, _: Deadline) -> Result<(), BoxError> {
        let Some(connection) = pool.try_get() else { return Ok(()) };
        connection.books.farewells.fetch_add(1, Ordering::SeqCst);
        if connection.told.hang_in_farewell {
            connection.books.hang();
        }
        if connection.told.fail_farewell { Err("no farewell, as told".into()) } else { Ok(()) }
    }
}
