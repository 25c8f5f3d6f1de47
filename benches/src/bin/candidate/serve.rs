//! Servers whose handlers do nothing: what is left is the cost of the connection. Each says where it listens.

use std::net::TcpListener;
use std::thread;

use graceful_benches::{Result, say};

use super::unknown;

pub(crate) mod graceful {
    use graceful::{App, Connection};
    use graceful_benches::say;

    #[graceful::main]
    pub(crate) fn main(app: &App) -> Result<(), graceful::BoxError> {
        let local = app.tcp("127.0.0.1:0", |connection: Connection| drop(connection))?;
        app.ready()?;
        Ok(say(local)?)
    }
}

pub(crate) fn run(program: &str) -> Result<()> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    say(listener.local_addr()?)?;
    match program {
        "loop" => {
            for stream in listener.incoming() {
                drop(stream?);
            }
        }
        "threads" => {
            for stream in listener.incoming() {
                let stream = stream?;
                thread::Builder::new().spawn(move || drop(stream))?;
            }
        }
        _ => return unknown(program),
    }
    Ok(())
}
