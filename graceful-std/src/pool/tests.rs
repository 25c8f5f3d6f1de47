//! Every path of closing, with a manager that does as it is told.

mod fake;
mod stress;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Barrier;
use std::sync::atomic::Ordering;
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use graceful_core::Deadline;

use self::fake::{Fake, Told, pool, pool_that};
use super::{Cancel, Pool, PoolClosed, PoolError, PoolState};

const SOON: Duration = Duration::from_secs(20);
const SHORT: Duration = Duration::from_millis(200);

/// What a busy machine adds.
const SLACK: Duration = Duration::from_secs(2);

#[track_caller]
fn in_time(began: Instant) {
    assert!(began.elapsed() <= SHORT + SLACK, "{:?}", began.elapsed());
}

fn after(time: Duration) -> Deadline {
    Deadline::after(time)
}

fn closed(idle: usize, returned: usize, cancelled: usize) -> PoolClosed {
    PoolClosed { idle, returned, cancelled }
}

/// A thread that has a connection until it is let go.
fn hold(pool: &Pool<Fake>) -> (mpsc::Sender<()>, thread::JoinHandle<()>) {
    let (taken, took) = mpsc::channel();
    let (let_go, told) = mpsc::channel();
    let pool = pool.clone();
    let run = move || {
        let connection = pool.get().expect("there is one");
        taken.send(()).expect("somebody waits");
        // An end is as good as a word.
        let _ = told.recv();
        drop(connection);
    };
    let thread = thread::Builder::new().name("holder".into()).spawn(run).expect("a thread");
    took.recv().expect("it has one");
    (let_go, thread)
}

/// Waits for what has no event.
fn until(what: impl Fn() -> bool) {
    let deadline = Instant::now() + SOON;
    while !what() {
        assert!(Instant::now() < deadline, "it never came to that");
        thread::yield_now();
    }
}

#[test]
fn idle_connections_are_closed() {
    let (pool, books) = pool(3);
    drop(pool.get().expect("one"));
    assert_eq!((pool.status().connections, pool.status().idle, pool.status().out), (3, 3, 0));
    assert_eq!(pool.close(after(SOON)), Ok(closed(3, 0, 0)));
    books.all_closed();
    assert_eq!(pool.status().state, PoolState::Closed);
    assert_eq!(pool.status().connections, 0);
    // Again, and after no time at all.
    assert_eq!(pool.close(after(Duration::ZERO)), Ok(closed(3, 0, 0)));
}

#[test]
fn checkouts_are_refused_from_then_on() {
    let (pool, _) = pool(1);
    pool.close(after(SOON)).expect("nobody has one");
    let error = pool.get().expect_err("it is closed");
    assert!(matches!(error, PoolError::Closed { .. }));
    assert_eq!(
        error.to_string(),
        "orders: the pool is closed, as the service is stopping; close it after the last who needs it"
    );
}

#[test]
fn what_comes_back_is_waited_for() {
    let (pool, books) = pool(2);
    let (let_go, holder) = hold(&pool);
    let closer = thread::spawn({
        let pool = pool.clone();
        move || pool.close(after(SOON))
    });
    until(|| pool.status().state == PoolState::Closing);
    assert!(matches!(pool.get(), Err(PoolError::Closed { .. })));
    drop(let_go);
    assert_eq!(closer.join().expect("no panic"), Ok(closed(1, 1, 0)));
    holder.join().expect("no panic");
    books.all_closed();
    assert_eq!(books.cancelled(), 0);
}

#[test]
fn what_still_runs_is_cancelled_before_the_deadline() {
    let (pool, books) = pool(2);
    let pool_of_holder = pool.clone();
    let (taken, took) = mpsc::channel();
    let holder = thread::spawn(move || {
        let mut connection = pool_of_holder.get().expect("there is one");
        taken.send(()).expect("somebody waits");
        connection.query()
    });
    took.recv().expect("it has one");
    let began = Instant::now();
    assert_eq!(pool.close(after(Duration::from_secs(2))), Ok(closed(1, 0, 1)));
    let took = began.elapsed();
    assert!(took >= Duration::from_millis(1500) && took < Duration::from_secs(2) + SLACK, "{took:?}");
    assert_eq!(holder.join().expect("no panic"), Err("cancelled"));
    books.all_closed();
}

#[test]
fn a_holder_that_goes_on_is_cancelled_again() {
    let (pool, books) = pool(1);
    let pool_of_holder = pool.clone();
    let (taken, took) = mpsc::channel();
    let holder = thread::spawn(move || {
        let mut connection = pool_of_holder.get().expect("there is one");
        taken.send(()).expect("somebody waits");
        [connection.query(), connection.query(), connection.query()]
    });
    took.recv().expect("it has one");
    assert_eq!(pool.close(after(Duration::from_secs(2))), Ok(closed(0, 0, 1)));
    assert_eq!(holder.join().expect("no panic"), [Err("cancelled"); 3]);
    assert!(books.cancelled() >= 3);
}

#[test]
fn what_does_not_come_back_is_abandoned_and_named() {
    let (pool, books) = pool(3);
    let (let_go, holder) = hold(&pool);
    let began = Instant::now();
    let left = pool.close(after(SHORT)).expect_err("it is held");
    in_time(began);
    assert_eq!((left.idle, left.returned, left.cancelled, left.abandoned.len()), (2, 0, 0, 1));
    let it = &left.abandoned[0];
    assert_eq!((it.thread.as_str(), it.connection, &it.cancel), ("holder", Some(1), &Cancel::Ineffective));
    assert!(it.location.file().ends_with("pool/tests.rs"), "{it}");
    let text = left.to_string();
    assert!(text.starts_with("orders: 1 connection did not come back in time: thread holder at "), "{text}");
    assert!(text.contains(", connection 1, cancelled in vain; the others: 2 idle, 0 returned, 0 cancelled"), "{text}");
    // It comes back after all: everything is closed then, and the next one who closes is told so.
    drop(let_go);
    holder.join().expect("no panic");
    books.all_closed();
    assert_eq!(pool.close(after(SOON)), Ok(closed(2, 0, 1)));
}

#[test]
fn who_waits_is_refused_when_the_closing_begins() {
    let (pool, _) = pool(1);
    let (let_go, holder) = hold(&pool);
    let waiting: Vec<_> = (0..3)
        .map(|_| {
            let pool = pool.clone();
            thread::spawn(move || pool.get_timeout(Duration::MAX).map(drop))
        })
        .collect();
    until(|| pool.status().waiting == 3);
    let closer = thread::spawn({
        let pool = pool.clone();
        move || pool.close(after(SOON))
    });
    for waiting in waiting {
        assert!(matches!(waiting.join().expect("no panic"), Err(PoolError::Closed { .. })));
    }
    drop(let_go);
    assert_eq!(closer.join().expect("no panic"), Ok(closed(0, 1, 0)));
    holder.join().expect("no panic");
}

#[test]
fn who_waits_for_a_connection_that_is_being_opened_is_refused_too() {
    let (pool, books) = pool_that(Told { refuse: true, ..Told::default() }, 1);
    let waiting = thread::spawn({
        let pool = pool.clone();
        move || pool.get_timeout(SOON).map(drop)
    });
    until(|| pool.status().out == 1);
    assert_eq!(pool.close(after(SOON)), Ok(closed(0, 0, 0)));
    assert!(matches!(waiting.join().expect("no panic"), Err(PoolError::Closed { .. })));
    books.all_closed();
}

#[test]
fn one_that_hangs_in_get_is_named() {
    let (pool, books) = pool_that(Told { hang_in_test: true, ..Told::default() }, 1);
    let waiting = thread::spawn({
        let pool = pool.clone();
        move || pool.get_timeout(SOON).map(drop)
    });
    until(|| pool.status().out == 1);
    let left = pool.close(after(SHORT)).expect_err("it hangs");
    assert_eq!(left.abandoned[0].connection, None);
    assert!(left.to_string().contains(", still waiting for its connection"), "{left}");
    books.let_go();
    assert!(matches!(waiting.join().expect("no panic"), Err(PoolError::Closed { .. })));
}

#[test]
fn a_timeout_names_the_holders() {
    let (pool, _) = pool(1);
    let (let_go, holder) = hold(&pool);
    let error = pool.get_timeout(Duration::from_millis(20)).expect_err("it is out");
    let text = error.to_string();
    assert!(text.starts_with("orders: no connection came free within "), "{text}");
    assert!(text.contains("return them sooner or make the pool larger; they are with: thread holder at "), "{text}");
    drop(let_go);
    holder.join().expect("no panic");
    drop(pool.get().expect("it is back"));
}

#[test]
fn a_server_that_refuses_is_told() {
    let (pool, _) = pool_that(Told { refuse: true, ..Told::default() }, 1);
    let error = pool.get_timeout(Duration::from_millis(400)).expect_err("it refuses");
    assert!(matches!(error, PoolError::Connect { .. }));
    let text = error.to_string();
    assert!(text.starts_with("orders: no connection could be opened within "), "{text}");
    assert!(text.ends_with(": refused as told"), "{text}");
    assert!(std::error::Error::source(&error).is_some());
    // Nobody has a seat any more.
    assert_eq!(pool.status().out, 0);
}

#[test]
fn a_holder_that_panics_gives_its_connection_back() {
    let (pool, books) = pool(1);
    let held = AssertUnwindSafe(&pool);
    let panicked = catch_unwind(|| {
        let _connection = held.get().expect("one");
        panic!("as it was told");
    });
    assert!(panicked.is_err());
    drop(pool.get().expect("it is back"));
    assert_eq!(pool.close(after(SOON)), Ok(closed(1, 0, 0)));
    books.all_closed();
}

#[test]
fn cancellers_that_fail_panic_or_hang_cost_nobody_the_deadline() {
    let check = |told: Told, cancel: fn(&Cancel) -> bool| {
        let (pool, books) = pool_that(told, 2);
        let (let_go, holder) = hold(&pool);
        let began = Instant::now();
        let left = pool.close(after(SHORT)).expect_err("it is held");
        in_time(began);
        assert!(cancel(&left.abandoned[0].cancel), "{left}");
        books.let_go();
        drop(let_go);
        holder.join().expect("no panic");
    };
    let told = Told::default();
    check(Told { fail_to_cancel: true, ..told }, |cancel| *cancel == Cancel::Failed("no way, as told".into()));
    let panicked = |cancel: &Cancel| matches!(cancel, Cancel::Failed(text) if text.starts_with("it panicked: "));
    check(Told { panic_in_cancel: true, ..told }, panicked);
    check(Told { hang_in_cancel: true, ..told }, |cancel| *cancel == Cancel::Hanging);
    check(Told { no_canceller: true, ..told }, |cancel| *cancel == Cancel::NotTried);
}

#[test]
fn what_comes_back_although_it_could_not_be_cancelled_came_by_itself() {
    let (pool, _) = pool_that(Told { fail_to_cancel: true, ..Told::default() }, 1);
    let (let_go, holder) = hold(&pool);
    let closer = thread::spawn({
        let pool = pool.clone();
        move || pool.close(after(Duration::from_secs(4)))
    });
    until(|| matches!(pool.status().holders.first(), Some(holder) if matches!(holder.cancel, Cancel::Failed(_))));
    drop(let_go);
    assert_eq!(closer.join().expect("no panic"), Ok(closed(0, 1, 0)));
    holder.join().expect("no panic");
}

#[test]
fn closers_wait_for_the_one_who_closes() {
    let (pool, books) = pool(2);
    let (let_go, holder) = hold(&pool);
    let together = Barrier::new(4);
    thread::scope(|scope| {
        let close = || {
            together.wait();
            pool.close(after(SOON))
        };
        let closers = [scope.spawn(close), scope.spawn(close), scope.spawn(close)];
        together.wait();
        until(|| pool.status().state == PoolState::Closing);
        // One with less patience is told what is left.
        let left = pool.close(after(Duration::from_millis(30))).expect_err("it is held");
        assert_eq!(left.abandoned.len(), 1);
        drop(let_go);
        for closer in closers {
            assert_eq!(closer.join().expect("no panic"), Ok(closed(1, 1, 0)));
        }
    });
    holder.join().expect("no panic");
    assert_eq!(books.farewells.load(Ordering::Relaxed), 1);
}

#[test]
fn a_farewell_that_fails_or_hangs_is_told() {
    let (pool, books) = pool_that(Told { fail_farewell: true, ..Told::default() }, 1);
    let left = pool.close(after(SOON)).expect_err("it fails");
    assert_eq!(left.to_string(), "orders: no farewell, as told; the others: 1 idle, 0 returned, 0 cancelled");
    books.all_closed();
    let (pool, books) = pool_that(Told { hang_in_farewell: true, ..Told::default() }, 1);
    let began = Instant::now();
    let left = pool.close(after(SHORT)).expect_err("it hangs");
    in_time(began);
    assert_eq!(left.error.as_deref(), Some("its idle connections were not closed in time"));
    books.let_go();
    books.all_closed();
}

#[test]
fn a_connection_that_broke_is_replaced() {
    let (pool, books) = pool(1);
    let mut connection = pool.get().expect("one");
    connection.broken = true;
    drop(connection);
    until(|| books.opened() == 2);
    until(|| pool.status().idle == 1);
    // Another one, with another number.
    let next = pool.get().expect("the next");
    assert_eq!(pool.status().holders[0].connection, Some(2));
    drop(next);
    assert_eq!(pool.close(after(SOON)), Ok(closed(1, 0, 0)));
    books.all_closed();
}

#[test]
fn a_canceller_is_made_once_for_each_connection() {
    let (pool, books) = pool(1);
    for _ in 0..10 {
        drop(pool.get().expect("one"));
    }
    assert_eq!(books.cancellers.load(Ordering::Relaxed), 1);
}

#[test]
fn a_clone_that_the_user_kept_is_no_obstacle() {
    let (fake, books) = Fake::new(Told::default());
    let kept = ::r2d2::Pool::builder().max_size(2).build(fake).expect("a pool");
    let pool = Pool::new("orders", kept.clone());
    let theirs = kept.get().expect("one");
    drop(pool.get().expect("the other"));
    assert_eq!(pool.close(after(SOON)), Ok(closed(2, 0, 0)));
    // As the documentation says.
    assert_eq!(books.open(), 2);
    drop((theirs, kept));
    books.all_closed();
}

#[test]
fn no_time_at_all() {
    let (pool, _) = pool(2);
    let (let_go, holder) = hold(&pool);
    let left = pool.close(after(Duration::ZERO)).expect_err("there is no time");
    assert_eq!(left.abandoned.len(), 1);
    drop(let_go);
    holder.join().expect("no panic");
}
