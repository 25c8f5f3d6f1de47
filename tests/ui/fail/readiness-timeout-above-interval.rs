use graceful::readiness;

#[readiness(timeout = "10s")]
fn by_default() {}

#[readiness(every = "1s", timeout = "1500ms")]
fn as_written() {}

fn main() {}
