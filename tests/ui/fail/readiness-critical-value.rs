use graceful::readiness;

#[readiness(critical = true)]
fn database() {}

fn main() {}
