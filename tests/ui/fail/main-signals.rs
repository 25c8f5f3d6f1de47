#[graceful::main(term = "stop", hup = "relod", usr2 = ignore)]
fn main() {}
