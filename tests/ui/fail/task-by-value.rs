use graceful::{Deadline, Stop, task};

struct Db;

#[task(every = "1s")]
fn sync(_: Db) {}

#[task]
fn consume(_: Deadline, _: &Stop) {}

fn main() {}
