#[graceful::main(
    timeout = "30s",
    lame_duck = "0s",
    drain = "20s",
    tasks = "0s",
    flush = "500ms",
    debounce = "0s",
    incomplete_exit_code = 0,
    expect_hooks = 0,
    hooks = [],
    term = "shutdown",
    int = "shutdown",
    quit = "ignore",
    hup = "reload",
    usr2 = "ignore",
    crate = graceful
)]
fn main(_: &graceful::App) -> std::io::Result<()> {
    Ok(())
}
