#[graceful::main(timeout = "0s", flush = "0s")]
fn main() {}
