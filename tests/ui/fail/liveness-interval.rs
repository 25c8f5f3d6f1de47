use graceful::liveness;

#[liveness(every = "0s", timeout = 5)]
fn queue_moves() {}

fn main() {}
