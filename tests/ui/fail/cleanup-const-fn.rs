use graceful::cleanup;

#[cleanup]
const fn close_db() {}

fn main() {}
