use graceful::cleanup;

#[cleanup("5s")]
fn close_db() {}

fn main() {}
