use graceful::cleanup;

#[cleanup(order = "1")]
fn close_db() {}

fn main() {}
