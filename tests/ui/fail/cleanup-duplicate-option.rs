use graceful::cleanup;

#[cleanup(order = 1, timeout = "5s", order = 2)]
fn close_db() {}

fn main() {}
