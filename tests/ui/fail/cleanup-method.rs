use graceful::cleanup;

struct Db;

impl Db {
    #[cleanup]
    fn close(&self) {}
}

fn main() {}
