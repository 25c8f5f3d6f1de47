use graceful::cleanup;

#[cleanup]
fn close() {}

#[cleanup()]
fn close_too() {}

#[cleanup(order = -1, timeout = "1m 30s", name = "cache: flush", phase = "before_drain",)]
fn flush() -> std::io::Result<()> {
    Ok(())
}

fn main() {}
