use graceful::cleanup;

struct Text(str);

#[cleanup]
fn close(_: &Text) {}

fn main() {}
