use graceful::cleanup;

#[cleanup(name = "")]
fn close_db() {}

#[cleanup(name = "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx")]
fn close_cache() {}

#[cleanup(name = "db\n")]
fn close_file() {}

#[cleanup(name = db)]
fn close_queue() {}

#[cleanup]
fn schließen() {}

fn main() {}
