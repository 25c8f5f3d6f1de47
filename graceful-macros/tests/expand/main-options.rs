#[main(
    timeout = "30s",
    lame_duck = "0s",
    drain = "20s",
    tasks = "10s",
    flush = "1s",
    debounce = "250ms",
    config = "service.toml",
    incomplete_exit_code = 0,
    expect_hooks = 4,
    hooks = [close_db],
    term = "shutdown",
    int = "shutdown",
    quit = "ignore",
    hup = "reload",
    usr2 = "ignore",
    crate = crate::framework,
)]
pub fn main(_: &App) {}
