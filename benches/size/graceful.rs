//! The smallest service that ends well.

use std::io::Write as _;

use graceful::{App, BoxError, Connection};

#[graceful::cleanup(order = 10, timeout = "2s")]
fn say_goodbye() {
    println!("goodbye");
}

#[graceful::main(timeout = "10s")]
fn main(app: &App) -> Result<(), BoxError> {
    app.tcp("127.0.0.1:8080", |mut connection: Connection| connection.write_all(b"hello\n"))?;
    Ok(())
}
