//! astra. It has no way to stop: SIGTERM ends the process.

use std::{io, thread};

use astra::{Body, Request, ResponseBuilder, Server};

fn main() -> io::Result<()> {
    let address = peer::fixed_address()?;
    let server = Server::bind(address);
    peer::announce(address)?;
    server.serve(|request: Request, _info| {
        let body = match (request.uri().path(), request.uri().query()) {
            ("/work", query) => {
                thread::sleep(peer::work(query.unwrap_or_default()));
                "done"
            }
            _ => peer::GREETING,
        };
        // Invariant: a header of constants is valid.
        ResponseBuilder::new()
            .header("Content-Type", "text/plain")
            .header("Content-Length", body.len())
            .body(Body::new(body))
            .expect("a valid response")
    })
}
