fn start() {}
fn main() {}
::core::compile_error! {
    "`#[graceful::main]` goes on `fn main`; rename `start` to `main`"
}
