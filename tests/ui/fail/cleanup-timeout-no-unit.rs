use graceful::cleanup;

#[cleanup(timeout = "5")]
fn close_db() {}

fn main() {}
