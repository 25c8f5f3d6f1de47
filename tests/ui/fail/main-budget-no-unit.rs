#[graceful::main(timeout = "30", lame_duck = "0")]
fn main() {}
