#[readiness(timeout = "1m", critical = false)]
fn database(db: Db) {}
