use graceful::cleanup;

struct Db;

#[cleanup]
fn close(_: &[Db]) {}

fn main() {}
