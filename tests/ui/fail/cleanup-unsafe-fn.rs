use graceful::cleanup;

#[cleanup]
unsafe fn close_db() {}

fn main() {}
