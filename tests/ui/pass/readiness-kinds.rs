use std::sync::Arc;

use graceful::{Deadline, Stop, readiness};

#[readiness]
fn plain() {}

#[readiness(critical)]
fn database(_: &String, _: Option<&Vec<u8>>, _: Arc<u64>) -> Result<(), graceful::BoxError> {
    Ok(())
}

#[readiness(every = "10s", timeout = "10s", critical, failures = 1, successes = 3, name = "main queue")]
pub fn queue(until: Deadline, _: &graceful::App, stop: Stop) -> std::io::Result<()> {
    let _ = (until.remaining(), stop.is_stopping());
    Ok(())
}

#[readiness(every = "100ms")]
fn often() {}

#[graceful::main(hooks = [database])]
fn main() {}
