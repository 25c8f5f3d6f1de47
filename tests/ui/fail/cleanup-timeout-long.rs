use graceful::cleanup;

#[cleanup(timeout = "1M")]
fn close_db() {}

fn main() {}
