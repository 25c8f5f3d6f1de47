//! may_minihttp. It can only be cancelled, by unsafe code: SIGTERM ends the process.

use std::io;

use may_minihttp::{HttpServer, HttpService, Request, Response};

#[derive(Clone)]
struct Service;

impl HttpService for Service {
    fn call(&mut self, request: Request<'_, '_, '_>, response: &mut Response<'_>) -> io::Result<()> {
        response.header("Content-Type: text/plain");
        match request.path().strip_prefix("/work?") {
            Some(query) => {
                may::coroutine::sleep(peer::work(query));
                response.body("done");
            }
            None => response.body(peer::GREETING),
        }
        Ok(())
    }
}

fn main() -> io::Result<()> {
    let address = peer::fixed_address()?;
    let server = HttpServer(Service).start(address)?;
    peer::announce(address)?;
    server.join().map_err(|_| io::Error::other("the server panicked"))
}
