#[cleanup]
fn close_db() {}
