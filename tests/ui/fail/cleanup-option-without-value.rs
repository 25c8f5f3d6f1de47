use graceful::cleanup;

#[cleanup(timeout)]
fn close_db() {}

#[cleanup(timeout("5s"))]
fn close_cache() {}

#[cleanup(order =)]
fn close_file() {}

fn main() {}
