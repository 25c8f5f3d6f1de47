use graceful::cleanup;

#[cleanup(order = 1,, timeout = "5s")]
fn close_db() {}

fn main() {}
