use graceful::cleanup;

#[cleanup]
#[graceful::cleanup]
fn close_db() {}

fn main() {}
