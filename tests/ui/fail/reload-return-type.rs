use graceful::reload;

#[reload]
fn read() -> Option<()> {
    None
}

fn main() {}
