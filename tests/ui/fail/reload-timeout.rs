use graceful::reload;

#[reload(timeout = "0s")]
fn read() {}

#[reload(timeout = 2)]
fn read_more() {}

fn main() {}
