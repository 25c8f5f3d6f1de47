//! What benchmarks and drills are run against: it does as little as a service can, and logs nothing per request.
//!
//! | path | answer |
//! |---|---|
//! | `/` | `Hello, World!` |
//! | `/work?ms=N` | 200 after N milliseconds in a blocking handler |
//! | `/download?bytes=N` | N bytes |
//! | `/upload` | how many bytes it was sent |
//! | `/stuck` | none, ever |
//! | `/ws` | a WebSocket: every message comes back |
//! | `/room` | a WebSocket: every message goes to everybody here |
//!
//! Run:    cargo run --release --example bench   (ADDR=HOST:PORT, GRACEFUL_WORKERS=N, GRACEFUL_EVENT_LOOPS=N, ON_WORKERS=1)
//! Stop:   Ctrl-C, or `kill` with its pid
//! Prints: `listening on http://127.0.0.1:8080`
#![forbid(unsafe_code)]

use std::env;
use std::io::{self, Read as _};
use std::thread;
use std::time::Duration;

use graceful::http::{Body, Error, Request, Response, Router, Server};
use graceful::websocket::{Handler, Hub, Message, Socket, WebSocket};
use graceful::{App, BoxError, StartError};

#[graceful::main]
fn main(app: &App) -> Result<(), StartError> {
    let address = env::var("ADDR").unwrap_or_else(|_| "127.0.0.1:8080".into());
    let hub = Hub::new();
    let routes = Router::new()
        .get("/", || "Hello, World!")
        .get("/work", work)
        .get("/download", download)
        .post("/upload", upload)
        .get("/stuck", stuck)
        .get("/ws", echo)
        .get("/room", move |request: Request| WebSocket::new().upgrade(&request, Member(hub.clone())));
    let server = Server::new(routes);
    // To compare designs of the engine: every request is handed to a worker.
    let server = if env::var_os("ON_WORKERS").is_some() { server.always_on_workers() } else { server };
    let address = app.http(address, server)?;
    println!("listening on http://{address}");
    Ok(())
}

fn work(request: Request) -> Result<&'static str, Error> {
    thread::sleep(Duration::from_millis(number(&request, "ms")?));
    Ok("done\n")
}

fn download(request: Request) -> Result<Body, Error> {
    let bytes = number(&request, "bytes")?;
    Ok(Body::sized_reader(io::repeat(b'x'), bytes))
}

fn upload(mut request: Request) -> Result<String, Error> {
    request.body().set_limit(u64::MAX);
    let bytes = io::copy(&mut request.body().by_ref(), &mut io::sink())?;
    Ok(format!("{bytes}\n"))
}

fn stuck() -> &'static str {
    loop {
        thread::park();
    }
}

fn echo(request: Request) -> Response {
    WebSocket::new().upgrade(&request, |socket: &Socket, message: Message| socket.send(message))
}

struct Member(Hub);

impl Handler for Member {
    fn on_open(&mut self, socket: &Socket) -> Result<(), BoxError> {
        self.0.join("room", socket);
        Ok(())
    }

    fn on_message(&mut self, _: &Socket, message: Message) -> Result<(), BoxError> {
        self.0.broadcast("room", message);
        Ok(())
    }
}

fn number(request: &Request, name: &str) -> Result<u64, Error> {
    let text = request.query_param(name).unwrap_or_default();
    text.parse().map_err(|_| Error::status(graceful::http::StatusCode::BAD_REQUEST, format!("{name} is a number")))
}
