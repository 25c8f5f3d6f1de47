#[graceful::main(incomplete_exit_code = "0")]
fn main() {}
