use graceful::cleanup;

#[cleanup(phase = "before-drain")]
fn close_db() {}

#[cleanup(phase = "last")]
fn close_cache() {}

fn main() {}
