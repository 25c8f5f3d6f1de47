struct Db;

#[graceful::main(hooks = [Db])]
fn main() {}
