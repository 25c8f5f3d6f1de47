//! tiny_http with several threads, ended by its `unblock`: each thread finishes what it has in hand.

use std::error::Error;
use std::sync::Arc;
use std::thread;

use signal_hook::consts::SIGTERM;
use signal_hook::iterator::Signals;
use tiny_http::{Request, Response, Server};

type Result<T> = std::result::Result<T, Box<dyn Error + Send + Sync>>;

/// As rouille has it by default.
const FOR_EACH_CORE: usize = 8;

fn main() -> Result<()> {
    let mut signals = Signals::new([SIGTERM])?;
    let server = Arc::new(Server::http(peer::address())?);
    let threads: Vec<_> = (0..peer::threads(FOR_EACH_CORE))
        .map(|_| {
            let server = Arc::clone(&server);
            thread::spawn(move || server.incoming_requests().for_each(answer))
        })
        .collect();
    peer::announce(server.server_addr().to_ip().ok_or("it listens at an IP address")?)?;
    signals.forever().next();
    for _ in &threads {
        server.unblock();
    }
    for thread in threads {
        thread.join().map_err(|_| "a handler panicked")?;
    }
    Ok(())
}

fn answer(request: Request) {
    let response = match request.url().strip_prefix("/work?") {
        Some(query) => {
            thread::sleep(peer::work(query));
            Response::from_string("done")
        }
        None => Response::from_string(peer::GREETING),
    };
    // It fails when the client is gone.
    drop(request.respond(response));
}
