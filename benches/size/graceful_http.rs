//! The smallest HTTP service that ends well.

use graceful::http::{Request, Router};
use graceful::{App, BoxError};

#[graceful::cleanup(order = 10, timeout = "2s")]
fn say_goodbye() {
    println!("goodbye");
}

#[graceful::main(timeout = "10s")]
fn main(app: &App) -> Result<(), BoxError> {
    app.http("127.0.0.1:8080", Router::new().get("/", |_: Request| "hello\n"))?;
    Ok(())
}
