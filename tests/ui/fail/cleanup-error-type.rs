use graceful::cleanup;

struct DbError;

#[cleanup]
fn close_db() -> Result<(), DbError> {
    Ok(())
}

fn main() {}
