#![forbid(unsafe_code)]

use graceful::liveness;

#[liveness]
fn plain() {}

#[liveness(every = "1m", timeout = "30s", failures = 10, successes = 2, name = "queue moves")]
fn queue_moves(_: &String) -> Result<(), String> {
    Ok(())
}

#[::graceful::liveness(crate = ::graceful,)]
fn by_path() {}

#[graceful::main]
fn main() {}
