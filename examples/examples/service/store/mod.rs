//! Where orders are durable.

mod postgres;
mod sqlite;

use std::env;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use graceful::{BoxError, Deadline};
use serde_json::{Value, json};

use self::postgres::Postgres;
use self::sqlite::Sqlite;

pub(crate) type Db = Arc<dyn Store>;

pub(crate) struct NewOrder {
    pub(crate) item: String,
    pub(crate) quantity: i64,
    /// In milliseconds since 1970.
    pub(crate) placed: i64,
}

pub(crate) struct Order {
    pub(crate) id: i64,
    pub(crate) item: String,
    pub(crate) quantity: i64,
    pub(crate) placed: i64,
}

/// A database. Ids become visible in their order, so that who reads what comes after an id misses nothing.
pub(crate) trait Store: Send + Sync {
    /// Puts an order among the others and into the outbox; its id, once both are durable.
    fn add(&self, order: &NewOrder) -> Result<i64, BoxError>;

    fn order(&self, id: i64) -> Result<Option<Order>, BoxError>;

    /// The first so many with a higher id.
    fn after(&self, id: i64, count: usize) -> Result<Vec<Order>, BoxError>;

    /// The first so many of the outbox.
    fn outbox(&self, count: usize) -> Result<Vec<Order>, BoxError>;

    /// Takes everything up to this id out of the outbox.
    fn delivered(&self, id: i64) -> Result<(), BoxError>;

    /// All orders up to this id have left the outbox.
    fn delivered_up_to(&self) -> Result<i64, BoxError>;

    /// How many orders there are.
    fn count(&self) -> Result<i64, BoxError>;

    /// How much was ordered of each of these items, or of all.
    fn ordered(&self, items: Option<&[String]>) -> Result<Vec<(String, i64)>, BoxError>;

    /// Keeps totals.
    fn keep_totals(&self, totals: &[(String, i64)]) -> Result<(), BoxError>;

    /// The totals that were kept.
    fn totals(&self) -> Result<Vec<(String, i64)>, BoxError>;

    /// Whether it answers.
    fn ping(&self) -> Result<(), BoxError>;

    /// Gives no connection out any more, waits for those that are out, and closes all.
    fn close(&self, deadline: Deadline) -> Result<(), BoxError>;
}

/// The one that the environment asks for.
pub(crate) fn open(data: &Path) -> Result<Db, BoxError> {
    Ok(match env::var("DATABASE_URL") {
        Ok(url) => Arc::new(Postgres::open(&url)?),
        Err(_) => Arc::new(Sqlite::open(data)?),
    })
}

/// Connections to it.
const CONNECTIONS: u32 = 8;

/// How long a check waits for one of them.
const PING: Duration = Duration::from_millis(500);

impl Order {
    /// As clients see it.
    pub(crate) fn json(&self) -> Value {
        json!({"id": self.id, "item": self.item, "quantity": self.quantity})
    }
}
