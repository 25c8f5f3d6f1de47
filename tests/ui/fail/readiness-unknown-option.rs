use graceful::readiness;

#[readiness(interval = "5s", critcal)]
fn database() {}

fn main() {}
