use graceful::cleanup;

struct Db;

impl Db {
    #[cleanup]
    fn close(_: &Db) {}
}

fn main() {}
