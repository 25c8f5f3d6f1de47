use graceful::{Stop, task};

#[task(interval = "1s")]
fn a(_: &Stop) {}

#[task(evry = "1s")]
fn b(_: &Stop) {}

fn main() {}
