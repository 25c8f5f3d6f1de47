#[main(drain = "20")]
fn main(app: &App, db: &Db) {}
