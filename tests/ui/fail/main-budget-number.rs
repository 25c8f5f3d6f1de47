#[graceful::main(timeout = 30, drain = 20)]
fn main() {}
