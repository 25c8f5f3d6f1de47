use graceful::cleanup;

struct Db;

#[cleanup]
fn close_db(_: &Db)
where
    Db: Send,
{
}

fn main() {}
