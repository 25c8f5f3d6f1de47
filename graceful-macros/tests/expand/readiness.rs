#[readiness(every = "10s", timeout = "500ms", critical, failures = 2, successes = 4, name = "main database")]
fn database(db: &Db, until: Deadline) -> Result<(), DbError> {
    db.ping(until)
}
