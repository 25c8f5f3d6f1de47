//! rouille with a pool, ended by the sender that its `stoppable` gives: once no request has come for a second.

use std::error::Error;
use std::thread;

use rouille::{Request, Response, Server, router};
use signal_hook::consts::SIGTERM;
use signal_hook::iterator::Signals;

/// What `rouille::start_server_with_pool` takes by default.
const FOR_EACH_CORE: usize = 8;

fn main() -> Result<(), Box<dyn Error + Send + Sync>> {
    let mut signals = Signals::new([SIGTERM])?;
    let server = Server::new(peer::address(), answer)?.pool_size(peer::threads(FOR_EACH_CORE));
    peer::announce(server.server_addr())?;
    let (server, stop) = server.stoppable();
    signals.forever().next();
    stop.send(())?;
    server.join().map_err(|_| "the server panicked")?;
    Ok(())
}

fn answer(request: &Request) -> Response {
    router!(request,
        (GET) (/) => { Response::text(peer::GREETING) },
        (GET) (/work) => {
            thread::sleep(peer::work(request.raw_query_string()));
            Response::text("done")
        },
        _ => Response::empty_404()
    )
}
