//! How much of what was ordered: written behind, many changes at a time, to Redis or to the database.

use std::collections::BTreeSet;
use std::env;
use std::sync::Arc;
use std::time::Duration;

use graceful::cache::WriteBehind;
use graceful::redis::redis::Commands as _;
use graceful::redis::{self, Redis};
use graceful::{BoxError, Deadline};

use crate::store::Db;

/// Totals are computed from the orders each time, so writing one twice does no harm, and what a crash leaves out is made good
/// when the next one starts.
pub(crate) struct Demand {
    kept: Kept,
    changes: WriteBehind<String>,
}

/// Where totals are.
#[derive(Clone)]
enum Kept {
    Database(Db),
    Redis(Redis),
}

/// So many changes may wait.
const CAPACITY: usize = 10_000;

/// The hash in Redis.
const KEY: &str = "demand";

const CONNECTIONS: u32 = 4;

/// How long Redis may take to say that it is there.
const PING: Duration = Duration::from_millis(500);

impl Demand {
    pub(crate) fn open(db: &Db) -> Result<Self, BoxError> {
        let kept = match env::var("REDIS_URL") {
            Ok(url) => Kept::Redis(redis::open(&url, CONNECTIONS).map_err(|error| format!("Redis: {error}"))?),
            Err(_) => Kept::Database(Arc::clone(db)),
        };
        kept.write(&db.ordered(None)?)?;
        let (db, theirs) = (Arc::clone(db), kept.clone());
        let write = move |items: &[String]| {
            let items: BTreeSet<_> = items.iter().cloned().collect();
            theirs.write(&db.ordered(Some(&Vec::from_iter(items)))?)
        };
        Ok(Self { kept, changes: WriteBehind::new("demand", CAPACITY, write)? })
    }

    /// An item was ordered. Without room the change is left out: the next one of the same item brings its total.
    pub(crate) fn changed(&self, item: String) {
        // It is not worth an order.
        let _ = self.changes.try_push(item);
    }

    pub(crate) fn totals(&self) -> Result<Vec<(String, i64)>, BoxError> {
        match &self.kept {
            Kept::Database(db) => db.totals(),
            Kept::Redis(redis) => Ok(redis.get()?.hgetall(KEY)?),
        }
    }

    pub(crate) fn ping(&self) -> Result<(), BoxError> {
        match &self.kept {
            Kept::Database(_) => Ok(()),
            Kept::Redis(redis) => Ok(redis.ping(PING).map(drop)?),
        }
    }

    /// Writes what waits, in half of the time when Redis hangs, asks Redis whether it has it, and closes it.
    pub(crate) fn close(&self, deadline: Deadline) -> Result<(), BoxError> {
        let Kept::Redis(redis) = &self.kept else { return Ok(self.changes.close(deadline)?) };
        let written = self.changes.close(Deadline::after(deadline.remaining() / 2));
        let answers = self.ping();
        println!("redis: {}", redis.statistics());
        redis.close(deadline)?;
        written?;
        answers
    }
}

impl Kept {
    fn write(&self, totals: &[(String, i64)]) -> Result<(), BoxError> {
        match self {
            Self::Database(db) => db.keep_totals(totals),
            Self::Redis(_) if totals.is_empty() => Ok(()),
            Self::Redis(redis) => Ok(redis.get()?.hset_multiple::<_, _, _, ()>(KEY, totals)?),
        }
    }
}
