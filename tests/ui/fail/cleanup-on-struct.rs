use graceful::cleanup;

#[cleanup(order = 1)]
struct Db;

fn main() {}
