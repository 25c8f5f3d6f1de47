use graceful::{Reason, reload};

struct Config;

#[reload]
fn read(_: Config) {}

#[reload]
fn read_more(_: Reason) {}

fn main() {}
