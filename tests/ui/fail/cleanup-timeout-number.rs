use graceful::cleanup;

#[cleanup(timeout = 5)]
fn close_db() {}

#[cleanup(timeout = 90s)]
fn close_cache() {}

fn main() {}
