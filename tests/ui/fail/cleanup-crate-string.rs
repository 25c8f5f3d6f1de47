use graceful::cleanup;

#[cleanup(crate = "graceful")]
fn close_db() {}

fn main() {}
