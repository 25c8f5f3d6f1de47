use graceful::task;

#[task]
mod tasks {}

fn main() {}
