#[graceful::main(incomplete_exit_code = 256, expect_hooks = -1)]
fn main() {}
