use graceful::cleanup;

#[cleanup]
fn close_db() -> bool {
    true
}

fn main() {}
