//! SQLite: a file in `DATA_DIR`.

use std::path::Path;
use std::sync::{Mutex, PoisonError};

use graceful::pool::{Checkout, Pool, PoolError};
use graceful::sqlite::rusqlite::{self, OptionalExtension as _, Row, Transaction, TransactionBehavior};
use graceful::sqlite::{self, SqliteConnectionManager};
use graceful::{BoxError, Deadline};

use super::{CONNECTIONS, NewOrder, Order, PING, Store};

pub(crate) struct Sqlite {
    pool: Pool<SqliteConnectionManager>,
    /// There is one writer at a time anyway; who waits here is next sooner than who asks the database again and again.
    writer: Mutex<()>,
}

/// `AUTOINCREMENT`: an id is never used again.
const TABLES: &str = "
    CREATE TABLE IF NOT EXISTS orders (
        id INTEGER PRIMARY KEY AUTOINCREMENT, item TEXT NOT NULL, quantity INTEGER NOT NULL, placed INTEGER NOT NULL);
    CREATE INDEX IF NOT EXISTS orders_by_item ON orders (item, quantity);
    CREATE TABLE IF NOT EXISTS outbox (id INTEGER PRIMARY KEY REFERENCES orders);
    CREATE TABLE IF NOT EXISTS demand (item TEXT PRIMARY KEY, quantity INTEGER NOT NULL);";

impl Sqlite {
    pub(crate) fn open(data: &Path) -> Result<Self, BoxError> {
        let pool = sqlite::open(data.join("orders.db"), CONNECTIONS)?;
        let store = Self { pool, writer: Mutex::default() };
        store.write(|transaction| transaction.execute_batch(TABLES))?;
        Ok(store)
    }

    /// One transaction, durable when this returns.
    fn write<T>(&self, work: impl FnOnce(&Transaction<'_>) -> rusqlite::Result<T>) -> Result<T, BoxError> {
        let _next = self.writer.lock().unwrap_or_else(PoisonError::into_inner);
        let mut connection = self.connection()?;
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let result = work(&transaction)?;
        transaction.commit()?;
        Ok(result)
    }

    fn connection(&self) -> Result<Checkout<SqliteConnectionManager>, PoolError> {
        self.pool.get()
    }

    fn orders(&self, statement: &str, id: i64, count: usize) -> Result<Vec<Order>, BoxError> {
        let connection = self.connection()?;
        let mut statement = connection.prepare_cached(statement)?;
        let orders = statement.query_map((id, count as i64), order)?;
        Ok(orders.collect::<Result<_, _>>()?)
    }
}

impl Store for Sqlite {
    fn add(&self, NewOrder { item, quantity, placed }: &NewOrder) -> Result<i64, BoxError> {
        self.write(|transaction| {
            const ORDER: &str = "INSERT INTO orders (item, quantity, placed) VALUES (?, ?, ?)";
            transaction.prepare_cached(ORDER)?.execute((item, quantity, placed))?;
            let id = transaction.last_insert_rowid();
            transaction.prepare_cached("INSERT INTO outbox VALUES (?)")?.execute([id])?;
            Ok(id)
        })
    }

    fn order(&self, id: i64) -> Result<Option<Order>, BoxError> {
        let connection = self.connection()?;
        let mut statement = connection.prepare_cached("SELECT id, item, quantity, placed FROM orders WHERE id = ?")?;
        Ok(statement.query_row([id], order).optional()?)
    }

    fn after(&self, id: i64, count: usize) -> Result<Vec<Order>, BoxError> {
        self.orders("SELECT id, item, quantity, placed FROM orders WHERE id > ? ORDER BY id LIMIT ?", id, count)
    }

    fn outbox(&self, count: usize) -> Result<Vec<Order>, BoxError> {
        const FIRST: &str =
            "SELECT id, item, quantity, placed FROM outbox JOIN orders USING (id) WHERE id > ? ORDER BY id LIMIT ?";
        self.orders(FIRST, 0, count)
    }

    fn delivered(&self, id: i64) -> Result<(), BoxError> {
        self.write(|transaction| transaction.prepare_cached("DELETE FROM outbox WHERE id <= ?")?.execute([id]))
            .map(drop)
    }

    fn delivered_up_to(&self) -> Result<i64, BoxError> {
        const UP_TO: &str = "SELECT coalesce((SELECT min(id) - 1 FROM outbox), (SELECT max(id) FROM orders), 0)";
        Ok(self.connection()?.query_row(UP_TO, [], |row| row.get(0))?)
    }

    fn count(&self) -> Result<i64, BoxError> {
        Ok(self.connection()?.query_row("SELECT count(*) FROM orders", [], |row| row.get(0))?)
    }

    fn ordered(&self, items: Option<&[String]>) -> Result<Vec<(String, i64)>, BoxError> {
        const ALL: &str = "SELECT item, sum(quantity) FROM orders GROUP BY item";
        const ONE: &str = "SELECT item, sum(quantity) FROM orders WHERE item = ?";
        let connection = self.connection()?;
        let Some(items) = items else {
            return Ok(connection.prepare(ALL)?.query_map([], total)?.collect::<Result<_, _>>()?);
        };
        let mut statement = connection.prepare_cached(ONE)?;
        Ok(items.iter().map(|item| statement.query_row([item], total)).collect::<Result<_, _>>()?)
    }

    fn keep_totals(&self, totals: &[(String, i64)]) -> Result<(), BoxError> {
        self.write(|transaction| {
            let mut statement = transaction.prepare_cached("INSERT OR REPLACE INTO demand VALUES (?, ?)")?;
            totals.iter().try_for_each(|total| statement.execute((&total.0, total.1)).map(drop))
        })
    }

    fn totals(&self) -> Result<Vec<(String, i64)>, BoxError> {
        let connection = self.connection()?;
        let mut statement = connection.prepare_cached("SELECT item, quantity FROM demand ORDER BY item")?;
        Ok(statement.query_map([], total)?.collect::<Result<_, _>>()?)
    }

    fn ping(&self) -> Result<(), BoxError> {
        sqlite::ping(&self.pool, PING)
    }

    fn close(&self, deadline: Deadline) -> Result<(), BoxError> {
        Ok(self.pool.close(deadline).map(drop)?)
    }
}

fn order(row: &Row<'_>) -> rusqlite::Result<Order> {
    Ok(Order { id: row.get(0)?, item: row.get(1)?, quantity: row.get(2)?, placed: row.get(3)? })
}

fn total(row: &Row<'_>) -> rusqlite::Result<(String, i64)> {
    Ok((row.get(0)?, row.get(1)?))
}
