use graceful::readiness;

struct Db;

#[readiness]
fn database(_: Db) {}

fn main() {}
