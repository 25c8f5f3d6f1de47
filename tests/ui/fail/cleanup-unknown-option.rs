use graceful::cleanup;

#[cleanup(priority = 1)]
fn close_db() {}

#[cleanup(timout = "5s")]
fn close_cache() {}

fn main() {}
