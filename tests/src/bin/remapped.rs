//! A service that gave signals another meaning: INT is nothing, USR2 reloads, HUP shuts down in spite of the reload hook.
#![forbid(unsafe_code)]

use graceful::{App, BoxError, reload};
use graceful_tests::fixture::say;

#[graceful::main(int = "ignore", usr2 = "reload", hup = "shutdown", incomplete_exit_code = 0)]
fn main(app: &App) -> Result<(), BoxError> {
    app.ready()?;
    say("ready");
    Ok(())
}

#[reload]
fn read_again() {
    say("reload began");
}
