#[main]
fn start() {}
