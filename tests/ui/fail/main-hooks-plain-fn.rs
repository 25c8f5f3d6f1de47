fn close_db() {}

#[graceful::main(hooks = [close_db])]
fn main() {}
