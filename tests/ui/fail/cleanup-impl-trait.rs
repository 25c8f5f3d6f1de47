use graceful::cleanup;

trait Store {}

#[cleanup]
fn close(_: impl Store) {}

fn main() {}
