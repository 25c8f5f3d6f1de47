use graceful::{Stop, task};

#[task]
fn consume(_: &Stop) -> ! {
    loop {}
}

fn main() {}
