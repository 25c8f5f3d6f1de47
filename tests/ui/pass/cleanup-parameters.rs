// Every way to take a value, with every kind of pattern.
use std::sync::{Arc, Mutex};

use graceful::{App, Deadline, Reason, Stop, cleanup};

struct Db;
struct Pair(String, Vec<u8>);
trait Store: Send + Sync {}

#[cleanup]
fn close(
    db: &Db,
    Pair(left, right): &Pair,
    optional: Option<&Mutex<Db>>,
    shared: Arc<Db>,
    _: &Arc<dyn Store>,
    mut owned: Vec<Db>,
    [first, _]: [u8; 2],
    (name, _): (String, u8),
    callback: fn(u8) -> u8,
) {
    owned.clear();
    let _ = (db, left, right, optional, shared, first, name, callback);
}

#[cleanup]
fn built_in(_: Deadline, _: Reason, _: &Stop, _: Stop, _: &App) {}

fn main() {}
