#[graceful::main]
fn main() -> ! {
    loop {}
}
