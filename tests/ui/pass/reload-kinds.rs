use std::sync::Arc;

use graceful::{Deadline, reload};

#[reload]
fn plain() {}

#[reload(timeout = "2s", name = "config")]
fn config(_: &String, _: Arc<String>, _: Deadline) -> Result<(), std::fmt::Error> {
    Ok(())
}

fn main() {}
