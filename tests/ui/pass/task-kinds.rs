use std::sync::Arc;

use graceful::{Stop, task};

#[task]
fn consume(stop: &Stop) {
    stop.wait();
}

#[task(name = "consumer 2", panic = "restart")]
fn consume_more(_: Arc<String>, stop: graceful::Stop) -> Result<(), graceful::BoxError> {
    stop.wait();
    Ok(())
}

#[task(every = "30s", panic = "shutdown")]
fn sync(_: &String, _: Option<&String>) -> std::io::Result<()> {
    Ok(())
}

#[task(every = "100ms")]
fn tick() {}

fn main() {}
