use graceful::cleanup;

#[cleanup]
async fn close_db() {}

fn main() {}
