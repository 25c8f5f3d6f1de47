//! PostgreSQL: `DATABASE_URL`.

use graceful::pool::{Checkout, Pool, PoolError};
use graceful::postgres::driver::Row;
use graceful::postgres::{self, NoTls, PostgresConnectionManager};
use graceful::{BoxError, Deadline};

use super::{CONNECTIONS, NewOrder, Order, PING, Store};

pub(crate) struct Postgres {
    pool: Pool<PostgresConnectionManager<NoTls>>,
}

/// The lock is for two processes that start at the same time.
const TABLES: &str = "
    BEGIN;
    SELECT pg_advisory_xact_lock(1);
    CREATE TABLE IF NOT EXISTS orders (
        id bigserial PRIMARY KEY, item text NOT NULL, quantity bigint NOT NULL, placed bigint NOT NULL);
    CREATE INDEX IF NOT EXISTS orders_by_item ON orders (item, quantity);
    CREATE TABLE IF NOT EXISTS outbox (id bigint PRIMARY KEY REFERENCES orders);
    CREATE TABLE IF NOT EXISTS demand (item text PRIMARY KEY, quantity bigint NOT NULL);
    COMMIT;";

impl Postgres {
    pub(crate) fn open(url: &str) -> Result<Self, BoxError> {
        let pool = postgres::open(url, CONNECTIONS)?;
        pool.get()?.batch_execute(TABLES)?;
        Ok(Self { pool })
    }

    fn connection(&self) -> Result<Checkout<PostgresConnectionManager<NoTls>>, PoolError> {
        self.pool.get()
    }

    fn orders(&self, statement: &str, id: i64, count: usize) -> Result<Vec<Order>, BoxError> {
        let rows = self.connection()?.query(statement, &[&id, &(count as i64)])?;
        Ok(rows.iter().map(order).collect())
    }

    fn number(&self, statement: &str) -> Result<i64, BoxError> {
        Ok(self.connection()?.query_one(statement, &[])?.get(0))
    }
}

impl Store for Postgres {
    /// Without the lock an order could become visible after one with a higher id.
    fn add(&self, NewOrder { item, quantity, placed }: &NewOrder) -> Result<i64, BoxError> {
        const BOTH: &str = "
            WITH placed AS (INSERT INTO orders (item, quantity, placed) VALUES ($1, $2, $3) RETURNING id)
            INSERT INTO outbox SELECT id FROM placed RETURNING id";
        let mut connection = self.connection()?;
        let mut transaction = connection.transaction()?;
        transaction.batch_execute("SELECT pg_advisory_xact_lock(1)")?;
        let id = transaction.query_one(BOTH, &[item, quantity, placed])?.get(0);
        transaction.commit()?;
        Ok(id)
    }

    fn order(&self, id: i64) -> Result<Option<Order>, BoxError> {
        const ONE: &str = "SELECT id, item, quantity, placed FROM orders WHERE id = $1";
        Ok(self.connection()?.query_opt(ONE, &[&id])?.as_ref().map(order))
    }

    fn after(&self, id: i64, count: usize) -> Result<Vec<Order>, BoxError> {
        self.orders("SELECT id, item, quantity, placed FROM orders WHERE id > $1 ORDER BY id LIMIT $2", id, count)
    }

    fn outbox(&self, count: usize) -> Result<Vec<Order>, BoxError> {
        const FIRST: &str =
            "SELECT id, item, quantity, placed FROM outbox JOIN orders USING (id) WHERE id > $1 ORDER BY id LIMIT $2";
        self.orders(FIRST, 0, count)
    }

    fn delivered(&self, id: i64) -> Result<(), BoxError> {
        self.connection()?.execute("DELETE FROM outbox WHERE id <= $1", &[&id])?;
        Ok(())
    }

    fn delivered_up_to(&self) -> Result<i64, BoxError> {
        self.number("SELECT coalesce((SELECT min(id) - 1 FROM outbox), (SELECT max(id) FROM orders), 0)")
    }

    fn count(&self) -> Result<i64, BoxError> {
        self.number("SELECT count(*) FROM orders")
    }

    fn ordered(&self, items: Option<&[String]>) -> Result<Vec<(String, i64)>, BoxError> {
        const SUMS: &str =
            "SELECT item, sum(quantity)::bigint FROM orders WHERE item = ANY($1) OR $1 IS NULL GROUP BY item";
        let rows = self.connection()?.query(SUMS, &[&items])?;
        Ok(rows.iter().map(total).collect())
    }

    fn keep_totals(&self, totals: &[(String, i64)]) -> Result<(), BoxError> {
        const KEEP: &str = "
            INSERT INTO demand SELECT * FROM unnest($1::text[], $2::bigint[])
            ON CONFLICT (item) DO UPDATE SET quantity = excluded.quantity";
        let (items, quantities): (Vec<_>, Vec<_>) = totals.iter().cloned().unzip();
        self.connection()?.execute(KEEP, &[&items, &quantities])?;
        Ok(())
    }

    fn totals(&self) -> Result<Vec<(String, i64)>, BoxError> {
        let rows = self.connection()?.query("SELECT item, quantity FROM demand ORDER BY item", &[])?;
        Ok(rows.iter().map(total).collect())
    }

    fn ping(&self) -> Result<(), BoxError> {
        postgres::ping(&self.pool, PING)
    }

    fn close(&self, deadline: Deadline) -> Result<(), BoxError> {
        Ok(self.pool.close(deadline).map(drop)?)
    }
}

fn order(row: &Row) -> Order {
    Order { id: row.get(0), item: row.get(1), quantity: row.get(2), placed: row.get(3) }
}

fn total(row: &Row) -> (String, i64) {
    (row.get(0), row.get(1))
}
