use graceful::cleanup;

struct Db;

#[cleanup]
impl Db {}

fn main() {}
