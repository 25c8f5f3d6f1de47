use graceful::cleanup;

struct Db;

#[cleanup]
fn close_db<'a>(_: &'a Db) {}

#[cleanup]
fn flush_db(_: &'static Db) {}

fn main() {}
