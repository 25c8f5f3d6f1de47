use graceful::cleanup;

trait Store {}

#[cleanup]
fn close<T: Store, const N: usize>(_: &T) {}

fn main() {}
