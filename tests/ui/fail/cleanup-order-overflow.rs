use graceful::cleanup;

#[cleanup(order = 2147483648)]
fn close_db() {}

#[cleanup(order = -2147483649)]
fn close_cache() {}

fn main() {}
