use graceful::cleanup;

struct Db;

#[cleanup]
fn close_db(_: Option<Db>) {}

fn main() {}
