use graceful::task;

#[task(every = "1s")]
fn sync() -> Option<()> {
    None
}

fn main() {}
