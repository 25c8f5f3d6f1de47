#[graceful::main(timeout = "30h", tasks = "2days")]
fn main() {}
