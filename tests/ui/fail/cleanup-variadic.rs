use graceful::cleanup;

#[cleanup]
unsafe extern "C" fn close_db(_: ...) {}

fn main() {}
