#[graceful::main]
fn start() {}
