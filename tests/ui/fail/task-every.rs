use graceful::task;

#[task(every = "0s")]
fn a() {}

#[task(every = 30)]
fn b() {}

#[task(every = "1M")]
fn c() {}

#[task(every = "30")]
fn d() {}

#[task(every)]
fn e() {}

fn main() {}
