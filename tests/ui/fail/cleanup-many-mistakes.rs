use graceful::cleanup;

struct Db;

#[cleanup(timeout = 5, oder = 1, name = "")]
async fn close_db(_: &mut Db) -> bool {
    true
}

fn main() {}
