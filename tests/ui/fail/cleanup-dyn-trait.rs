use graceful::cleanup;

use std::sync::Arc;

trait Store {}

#[cleanup]
fn close(_: &dyn Store) {}

#[cleanup]
fn flush(_: Arc<dyn Store + Send>) {}

fn main() {}
