struct Broken;

#[graceful::main]
fn main() -> Result<(), Broken> {
    Ok(())
}
