use graceful::liveness;

#[liveness(critical)]
fn queue_moves() {}

fn main() {}
