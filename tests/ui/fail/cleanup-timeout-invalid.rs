use graceful::cleanup;

#[cleanup(timeout = "5 parsecs")]
fn close_db() {}

#[cleanup(timeout = "")]
fn close_cache() {}

fn main() {}
