#[cleanup(order = -20, timeout = "1m 500ms", name = "close database", phase = "before_drain", crate = framework::graceful)]
#[allow(unused)]
pub(crate) fn close_db(db: &Db) -> Result<(), DbError> {
    db.close()
}
