use graceful::cleanup;

const FIRST: i32 = 1;

#[cleanup(order = FIRST)]
fn close_db() {}

fn main() {}
