use graceful::App;

struct Db;

#[graceful::main]
fn main(_: &App, _: &Db) {}
