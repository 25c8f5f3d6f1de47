struct Db;

#[graceful::main]
fn main(_: &Db) {}
