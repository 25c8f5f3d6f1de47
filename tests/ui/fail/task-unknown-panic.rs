use graceful::task;

#[task(every = "1s", panic = "abort")]
fn a() {}

#[task(every = "1s", panic = restart)]
fn b() {}

#[task(every = "1s", panic = "restrat")]
fn c() {}

fn main() {}
