#[cleanup(timeout = 5)]
pub async fn close_db(db: &Db) {}
