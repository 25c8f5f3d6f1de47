// The mistake in the hook is the only error: that it is listed below is fine.
#[graceful::cleanup(timeout = 5)]
fn close_db() {}

#[graceful::main(hooks = [close_db])]
fn main() {}
