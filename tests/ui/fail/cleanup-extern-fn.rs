use graceful::cleanup;

#[cleanup]
extern "C" fn close_db() {}

fn main() {}
