use graceful::cleanup;

#[cleanup]
fn close(_: &str) {}

fn main() {}
