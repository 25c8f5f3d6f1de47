use graceful::cleanup;

struct Db;

#[cleanup]
fn close_db(_: &mut Db) {}

fn main() {}
