//! SQLite itself, in files.

use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use graceful_core::Deadline;
use tempfile::TempDir;

use super::*;
use crate::pool::PoolClosed;

const SOON: Duration = Duration::from_secs(20);

/// Counts for minutes.
const LONG: &str = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n";

fn database() -> (TempDir, Pool<SqliteConnectionManager>) {
    let directory = TempDir::new().expect("a directory");
    let pool = open(directory.path().join("orders.db"), 3).expect("it can be opened");
    pool.get().expect("one").execute_batch("CREATE TABLE orders (item TEXT)").expect("a table");
    (directory, pool)
}

fn closed(pool: &Pool<SqliteConnectionManager>) -> PoolClosed {
    pool.close(Deadline::after(SOON)).expect("it closes")
}

#[test]
fn it_is_set_up_as_promised() {
    let (_directory, pool) = database();
    let connections: Vec<_> = (0..3).map(|_| pool.get().expect("one")).collect();
    for connection in &connections {
        let setting = |name: &str| {
            connection.pragma_query_value(None, name, |row| row.get::<_, rusqlite::types::Value>(0)).expect("a setting")
        };
        assert_eq!(setting("journal_mode"), "wal".to_owned().into());
        assert_eq!(setting("synchronous"), 2_i64.into());
        assert_eq!(setting("foreign_keys"), 1_i64.into());
        // A handler that can be cancelled has taken over from it.
        assert_eq!(setting("busy_timeout"), 0_i64.into());
    }
    ping(&pool, Duration::ZERO).expect_err("all are out");
    drop(connections);
    ping(&pool, SOON).expect("it answers");
}

#[test]
fn the_write_ahead_log_is_gone_at_the_end() {
    let (directory, pool) = database();
    pool.get().expect("one").execute("INSERT INTO orders VALUES ('tea')", []).expect("a row");
    let wal = directory.path().join("orders.db-wal");
    assert!(wal.metadata().expect("a log").len() > 0);
    assert_eq!(closed(&pool).idle, 3);
    assert!(wal.metadata().map_or(0, |wal| wal.len()) == 0);
    let after = Connection::open(directory.path().join("orders.db")).expect("it can be opened");
    assert_eq!(after.query_row("SELECT count(*) FROM orders", [], |row| row.get::<_, i64>(0)), Ok(1));
}

#[test]
fn one_that_somebody_else_reads_is_kept_and_loses_nothing() {
    let (directory, pool) = database();
    let other = Connection::open(directory.path().join("orders.db")).expect("it can be opened");
    let reading = other.unchecked_transaction().expect("a transaction");
    let count = || reading.query_row("SELECT count(*) FROM orders", [], |row| row.get::<_, i64>(0));
    assert_eq!(count(), Ok(0));
    pool.get().expect("one").execute("INSERT INTO orders VALUES ('tea')", []).expect("a row");
    let closed = pool.close(Deadline::after(Duration::from_millis(500))).expect("it closes");
    assert_eq!(closed.idle, 3);
    reading.commit().expect("it only read");
    assert_eq!(other.query_row("SELECT count(*) FROM orders", [], |row| row.get::<_, i64>(0)), Ok(1));
}

#[test]
fn a_long_query_is_interrupted_and_its_transaction_rolled_back() {
    let (directory, pool) = database();
    let (begun, began) = mpsc::channel();
    let holder = thread::spawn({
        let pool = pool.clone();
        move || {
            let mut connection = pool.get().expect("one");
            let transaction = connection.transaction()?;
            transaction.execute("INSERT INTO orders VALUES ('tea')", [])?;
            begun.send(()).expect("somebody waits");
            transaction.query_row(LONG, [], |row| row.get::<_, i64>(0))?;
            transaction.commit()
        }
    });
    began.recv().expect("it began");
    let closed = pool.close(Deadline::after(Duration::from_secs(2))).expect("it closes");
    assert_eq!((closed.idle, closed.returned, closed.cancelled), (2, 0, 1));
    let error = holder.join().expect("no panic").expect_err("it is interrupted");
    assert_eq!(error.sqlite_error_code(), Some(rusqlite::ErrorCode::OperationInterrupted));
    let after = Connection::open(directory.path().join("orders.db")).expect("it can be opened");
    assert_eq!(after.query_row("SELECT count(*) FROM orders", [], |row| row.get::<_, i64>(0)), Ok(0));
}

fn locked(directory: &TempDir) -> Connection {
    let other = Connection::open(directory.path().join("orders.db")).expect("it can be opened");
    other.execute_batch("BEGIN IMMEDIATE").expect("nobody else writes");
    other
}

#[test]
fn a_wait_for_a_lock_is_cancelled() {
    let (directory, pool) = database();
    let other = locked(&directory);
    let (begun, began) = mpsc::channel();
    let holder = thread::spawn({
        let pool = pool.clone();
        move || {
            let connection = pool.get().expect("one");
            begun.send(Instant::now()).expect("somebody waits");
            connection.execute("INSERT INTO orders VALUES ('tea')", [])
        }
    });
    let began = began.recv().expect("it began");
    let closed = pool.close(Deadline::after(Duration::from_secs(2))).expect("it closes");
    assert_eq!((closed.idle, closed.returned, closed.cancelled), (2, 0, 1));
    let error = holder.join().expect("no panic").expect_err("there is a lock");
    assert_eq!(error.sqlite_error_code(), Some(rusqlite::ErrorCode::DatabaseBusy));
    assert!(began.elapsed() < PATIENCE, "{:?}", began.elapsed());
    drop(other);
}

#[test]
fn a_wait_that_nobody_cancels_is_as_long_as_it_was_asked_for() {
    let (directory, _pool) = database();
    let _other = locked(&directory);
    let patience = Duration::from_millis(300);
    let manager = SqliteConnectionManager::file(directory.path().join("orders.db"))
        .with_init(move |connection| connection.busy_timeout(patience));
    let pool = Pool::new("theirs", ::r2d2::Pool::new(manager).expect("a pool"));
    let connection = pool.get().expect("one");
    for _ in 0..2 {
        let began = Instant::now();
        let error = connection.execute("INSERT INTO orders VALUES ('tea')", []).expect_err("there is a lock");
        assert_eq!(error.sqlite_error_code(), Some(rusqlite::ErrorCode::DatabaseBusy));
        assert!(began.elapsed() >= patience, "{:?}", began.elapsed());
    }
}

#[test]
fn a_lock_that_is_released_is_taken() {
    let (directory, pool) = database();
    let other = locked(&directory);
    let releasing = thread::spawn(move || {
        // There is no event for the moment in which the other one waits.
        thread::sleep(Duration::from_millis(200));
        other.execute_batch("COMMIT").expect("it only locked");
    });
    pool.get().expect("one").execute("INSERT INTO orders VALUES ('tea')", []).expect("it waited");
    releasing.join().expect("no panic");
}

#[test]
fn what_cannot_be_opened_says_so_at_once() {
    let directory = TempDir::new().expect("a directory");
    let missing = directory.path().join("missing").join("orders.db");
    let error = open(&missing, 3).expect_err("there is no such directory").to_string();
    let text = format!("the SQLite database {} cannot be opened: unable to open database file", missing.display());
    assert!(error.starts_with(&text), "{error}");
    let other = directory.path().join("letter.txt");
    std::fs::write(&other, "Dear Sir or Madam, this is a letter and no database at all. ".repeat(20)).expect("a file");
    let error = open(&other, 3).expect_err("it is a letter").to_string();
    assert!(error.ends_with("file is not a database"), "{error}");
}

#[test]
fn a_pool_of_ones_own_closes_the_same_way() {
    let theirs = ::r2d2::Pool::new(SqliteConnectionManager::memory()).expect("a pool");
    let pool = Pool::new("theirs", theirs);
    pool.get().expect("one").execute_batch("CREATE TABLE orders (item TEXT)").expect("a table");
    assert_eq!(closed(&pool).idle, 10);
}
