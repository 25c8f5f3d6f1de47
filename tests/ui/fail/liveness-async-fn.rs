use graceful::liveness;

#[liveness]
async fn queue_moves() {}

fn main() {}
