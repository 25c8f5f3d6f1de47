#[task(every = "30s")]
fn sync_metrics(db: &Db, stop: &Stop) -> Result<(), DbError> {
    db.sync(stop)
}
