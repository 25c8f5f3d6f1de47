#[graceful::main(lame-duck = "5s", grace = "30s")]
fn main() {}
