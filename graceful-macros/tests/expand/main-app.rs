#[main(timeout = "30s", hooks = [dep::close_db, self::flush])]
#[allow(clippy::needless_pass_by_value)]
fn main(app: &App) -> Result<(), BoxError> {
    app.provide(Db::open()?);
    Ok(())
}
