//! External services that want a last word: payments are settled, questions to an AI taken back, uploads completed, all at the
//! same time and inside one budget.
//!
//! Run:    cargo run --release --example external_services, then: curl -d tea http://127.0.0.1:8080/buy
//!         (ADDR=HOST:PORT; PAYMENT, AI, STORAGE=HOST:PORT for others than the stub that it brings along)
//! Stop:   Ctrl-C, or `kill` with its pid
//! Prints: `listening on http://127.0.0.1:8080`, at the end `payment: settled`, `ai: withdrawn`, `storage: completed`.
//!
//! One that fails or hangs does not concern the others; it is named in the report, and the exit code is 3.
#![forbid(unsafe_code)]

use std::env;
use std::io::{self, BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream, ToSocketAddrs as _};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use graceful::external::{Closers, NotClosed};
use graceful::http::{Error, Request, Router};
use graceful::{App, BoxError, Deadline, cleanup};

struct Services {
    payment: Remote,
    ai: Remote,
    storage: Remote,
}

#[graceful::main(timeout = "20s")]
fn main(app: &App) -> Result<(), BoxError> {
    let stub = stub()?;
    let remote = |name: &str| Remote(env::var(name).unwrap_or_else(|_| stub.clone()));
    app.provide(Services { payment: remote("PAYMENT"), ai: remote("AI"), storage: remote("STORAGE") });
    let routes = Router::new().post("/buy", buy);
    let address = app.http(env::var("ADDR").unwrap_or_else(|_| "127.0.0.1:8080".into()), routes)?;
    println!("listening on http://{address}");
    Ok(())
}

fn buy(services: &Services, mut request: Request) -> Result<&'static str, Error> {
    let item = request.body().text()?;
    services.payment.post("/reserve", &item, Deadline::after(Duration::from_secs(5)))?;
    Ok("bought\n")
}

#[cleanup(order = 30, timeout = "3s")]
fn close_services(services: Arc<Services>, deadline: Deadline) -> Result<(), NotClosed> {
    let [first, second, third] = [(); 3].map(|()| Arc::clone(&services));
    Closers::new()
        .add("payment", move |deadline| {
            first.payment.post("/settle", "", deadline).map(|()| println!("payment: settled"))
        })
        .add("ai", move |deadline| second.ai.post("/withdraw", "", deadline).map(|()| println!("ai: withdrawn")))
        .add("storage", move |deadline| {
            third.storage.post("/complete", "", deadline).map(|()| println!("storage: completed"))
        })
        .close(deadline)
}

/// `HOST:PORT` of a service that speaks HTTP.
struct Remote(String);

impl Remote {
    fn post(&self, path: &str, body: &str, deadline: Deadline) -> io::Result<()> {
        let address = self.0.to_socket_addrs()?.next().ok_or_else(|| io::Error::other("no such host"))?;
        let left = || deadline.remaining().max(Duration::from_millis(1));
        let mut stream = TcpStream::connect_timeout(&address, left())?;
        stream.set_read_timeout(Some(left()))?;
        let head = format!("Host: {}\r\nContent-Length: {}\r\nConnection: close", self.0, body.len());
        stream.write_all(format!("POST {path} HTTP/1.1\r\n{head}\r\n\r\n{body}").as_bytes())?;
        let mut status = String::new();
        BufReader::new(stream).read_line(&mut status)?;
        match status.split(' ').nth(1) {
            Some("200") => Ok(()),
            _ => Err(io::Error::other(format!("POST {path} was answered with {:?}", status.trim_end()))),
        }
    }
}

/// Somebody who says yes to everything.
fn stub() -> io::Result<String> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let address = listener.local_addr()?.to_string();
    thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            // Who goes away before the answer does not want it.
            let _ = stream.read(&mut [0; 4096]);
            let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
        }
    });
    Ok(address)
}
