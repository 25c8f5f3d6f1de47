#[graceful::main(hooks = ["close_db"])]
fn main() {}
