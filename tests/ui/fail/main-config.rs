#[graceful::main(config = "")]
fn main() {}

mod unquoted {
    #[graceful::main(config = service.toml)]
    fn main() {}
}
