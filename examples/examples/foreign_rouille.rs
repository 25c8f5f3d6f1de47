//! rouille in the same drain: its requests, routes and responses, but not its server.
//!
//! Run:    cargo run --release --example foreign_rouille, then: curl 127.0.0.1:8080/greet/you   (ADDR=HOST:PORT)
//! Stop:   Ctrl-C, or `kill` with its pid
//! Prints: `listening on http://127.0.0.1:8080`
//!
//! What rouille's own server cannot do: stop without a loss. It binds the address itself and hands the listener to nobody, so
//! connections that wait in its queue are reset when it is dropped; `poll_timeout` returns only once nobody has asked for
//! that long, which under load is never; `stoppable` does the same with a second, and leaves requests in flight to their fate.
//!
//! So this runs the server that rouille itself is built on, in the way of the example `foreign_tiny_http`, and translates,
//! as rouille does. What is lost on the way: a body is read as a whole (here up to 1 MiB), and there are no WebSockets.
#![forbid(unsafe_code)]

use std::env;
use std::io::{self, Read as _};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::thread;
use std::time::Duration;

use graceful::{App, BoxError, Ticket};
use rouille::router;
use tiny_http::{Header, Server, StatusCode};

const LARGEST_BODY: u64 = 1 << 20;
const QUIET: Duration = Duration::from_millis(500);

/// What one writes for rouille.
fn routes(request: &rouille::Request) -> rouille::Response {
    router!(request,
        (GET) (/greet/{name: String}) => { rouille::Response::text(format!("hello, {name}\n")) },
        (POST) (/count) => {
            let mut body = Vec::new();
            let read = request.data().map_or(Ok(0), |mut data| data.read_to_end(&mut body));
            rouille::Response::text(format!("{} bytes\n", rouille::try_or_400!(read)))
        },
        _ => rouille::Response::empty_404()
    )
}

#[graceful::main]
fn main(app: &App) -> Result<(), BoxError> {
    let listener = TcpListener::bind(env::var("ADDR").unwrap_or_else(|_| "127.0.0.1:8080".into()))?;
    let (address, handle) = (listener.local_addr()?, listener.try_clone()?);
    let server = Server::from_listener(listener, None)?;
    let ticket = app.ticket("rouille")?;
    ticket.stop().on_stop(move || {
        if handle.set_nonblocking(true).is_ok() {
            drop(TcpStream::connect(address));
        }
    })?;
    app.ready()?;
    println!("listening on http://{address}");
    let end = loop {
        match server.recv() {
            Ok(request) => answer(request, ticket.clone()),
            Err(error) => break error,
        }
    };
    if !ticket.stop().is_stopping() {
        return Err(end.into());
    }
    while !ticket.stop().is_cancelled()
        && let Some(request) = server.recv_timeout(QUIET)?
    {
        answer(request, ticket.clone());
    }
    Ok(())
}

fn answer(request: tiny_http::Request, ticket: Ticket) {
    let spawned = thread::Builder::new().name("request".into()).spawn(move || {
        if let Err(error) = translate(request) {
            eprintln!("a request ended early: {error}");
        }
        drop(ticket);
    });
    if let Err(error) = spawned {
        eprintln!("no thread for a request: {error}");
    }
}

fn translate(mut request: tiny_http::Request) -> io::Result<()> {
    let mut body = Vec::new();
    if request.as_reader().take(LARGEST_BODY + 1).read_to_end(&mut body)? as u64 > LARGEST_BODY {
        return request.respond(tiny_http::Response::empty(413));
    }
    let from = request.remote_addr().copied().unwrap_or(SocketAddr::from((Ipv4Addr::UNSPECIFIED, 0)));
    let headers = request.headers().iter().map(|header| (header.field.to_string(), header.value.to_string())).collect();
    let asked = rouille::Request::fake_http_from(from, request.method().as_str(), request.url(), headers, body);
    let answer = routes(&asked);
    let headers =
        answer.headers.iter().filter_map(|(name, value)| Header::from_bytes(name.as_bytes(), value.as_bytes()).ok());
    let (headers, (data, length)) = (headers.collect(), answer.data.into_reader_and_size());
    request.respond(tiny_http::Response::new(StatusCode(answer.status_code), headers, data, length, None))
}
