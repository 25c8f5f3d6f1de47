//! A service with one TCP listener that nobody connects to, and that ends when it is told to.

use std::net::TcpListener;
use std::thread;

use graceful_benches::{Result, say};
use signal_hook::consts::SIGTERM;
use signal_hook::iterator::Signals;

use super::{Gate, unknown};

static GATE: Gate = Gate::new();

pub(crate) mod graceful {
    use graceful::{App, Connection};
    use graceful_benches::say;

    #[graceful::main]
    pub(crate) fn main(app: &App) -> Result<(), graceful::BoxError> {
        if std::env::args().nth(2).as_deref() == Some("runtime") {
            app.ready()?;
            return Ok(say("nowhere")?);
        }
        let local = app.tcp("127.0.0.1:0", |connection: Connection| drop(connection))?;
        app.ready()?;
        Ok(say(local)?)
    }
}

pub(crate) fn run(program: &str) -> Result<()> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let local = listener.local_addr()?;
    if program == "iterator" {
        let mut signals = Signals::new([SIGTERM])?;
        accept(listener);
        say(local)?;
        // Returning from `main` ends the thread that accepts.
        signals.forever().next();
        return Ok(());
    }
    match program {
        "ctrlc" => ctrlc::set_handler(|| GATE.open())?,
        // The signal ends it where it stands.
        "bare" => {}
        _ => return unknown(program),
    }
    accept(listener);
    say(local)?;
    GATE.wait();
    Ok(())
}

fn accept(listener: TcpListener) {
    thread::spawn(move || {
        for stream in listener.incoming() {
            drop(stream);
        }
    });
}
