use graceful::reload;

#[reload(order = 1)]
fn read() {}

fn main() {}
