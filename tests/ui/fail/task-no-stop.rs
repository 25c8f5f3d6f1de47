use graceful::{Stop, task};

#[task]
fn consume() {}

#[task(name = "consumer")]
fn consume_more(_: Option<&Stop>) {}

fn main() {}
