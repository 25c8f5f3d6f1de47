use graceful::{liveness, readiness};

#[readiness]
#[liveness]
fn database() {}

fn main() {}
