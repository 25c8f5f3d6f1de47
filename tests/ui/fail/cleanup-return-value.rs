use graceful::cleanup;

#[cleanup]
fn close_db() -> Result<u8, std::io::Error> {
    Ok(0)
}

fn main() {}
