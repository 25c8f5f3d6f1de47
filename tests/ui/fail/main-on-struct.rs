#[graceful::main]
struct Service;
