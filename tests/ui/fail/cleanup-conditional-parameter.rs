use graceful::cleanup;

struct Db;

#[cleanup]
fn close_db(#[cfg(unix)] _: &Db) {}

fn main() {}
