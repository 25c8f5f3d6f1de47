use graceful::readiness;

#[readiness(failures = 0, successes = "one")]
fn database() {}

fn main() {}
