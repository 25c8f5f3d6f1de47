//! A client of the example `chat` that outlives its server: it comes back, with exponential backoff and full jitter.
//!
//! Lines of stdin are said in the room; what was typed while there was no connection is said after the next one is made.
//!
//! Run:    cargo run --release --example chat_client -- lobby ann   (the room and your name; ADDR=HOST:PORT of the server)
//! Stop:   Ctrl-C, or `kill` with its pid: it closes its connection and exits with 0
//! Prints: `connected`, `received {"id":1,"name":"ann","text":"hello","type":"said"}`, `closed 1001 service restart`,
//!         `lost: Connection refused (os error 111)`, `retrying in 240ms`
#![forbid(unsafe_code)]

use std::io::{self, ErrorKind};
use std::net::{TcpStream, ToSocketAddrs as _};
use std::sync::mpsc::{self, Receiver};
use std::time::{Duration, Instant};
use std::{env, thread};

use graceful::{App, BoxError, Stop};
use graceful_examples::Backoff;
use serde_json::Value;
use tungstenite::http::Uri;
use tungstenite::protocol::CloseFrame;
use tungstenite::protocol::frame::coding::CloseCode;
use tungstenite::{Error, Message};

/// How often the connection lets go of the thread, for what was typed and for the stop.
const TICK: Duration = Duration::from_millis(50);
/// How long the server may take to answer.
const PATIENCE: Duration = Duration::from_secs(5);
/// A server that is alive pings more often than this.
const SILENCE: Duration = Duration::from_secs(60);

#[graceful::main]
fn main(app: &App) -> Result<(), BoxError> {
    let mut arguments = env::args().skip(1);
    let room = arguments.next().unwrap_or_else(|| "lobby".into());
    let name = arguments.next().unwrap_or_else(|| "guest".into());
    let address = env::var("ADDR").unwrap_or_else(|_| "127.0.0.1:8080".into());
    let url = format!("ws://{address}/chat/{room}?name={name}");
    // What cannot be part of a URL as it is, like a space, fails here and not again and again.
    url.parse::<Uri>()?;
    let mut client = Client { address, url, after: 0, since: None, typed: read_stdin()?, stop: app.stop() };
    let mut backoff = Backoff::default();
    // This function does not return until the end, so it has to say that the start is complete.
    app.ready()?;
    while !client.stop.is_stopping() {
        match client.talk() {
            Ok(closed) => {
                println!("closed {} {}", u16::from(closed.code), closed.reason);
                if !is_worth_another_try(closed.code) {
                    break;
                }
            }
            Err(error) => println!("lost: {error}"),
        }
        let lasted = client.since.take().map_or(Duration::ZERO, |since| since.elapsed());
        let delay = backoff.next(lasted, fastrand::f64());
        if !client.stop.is_stopping() {
            println!("retrying in {}ms", delay.as_millis());
            let _ = client.stop.sleep(delay);
        }
    }
    // Unless that was asked for already.
    app.request("the end of the chat");
    Ok(())
}

/// The server goes away, restarts, failed, or has too much to do. What else it says would be said again.
fn is_worth_another_try(code: CloseCode) -> bool {
    matches!(code, CloseCode::Away | CloseCode::Restart | CloseCode::Error | CloseCode::Again)
}

/// A read with a timeout ends early when that has passed, and when a signal comes.
fn is_only_a_pause(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::Interrupted | ErrorKind::TimedOut | ErrorKind::WouldBlock)
}

struct Client {
    address: String,
    url: String,
    /// The last thing that was heard; the server has no need to repeat it.
    after: u64,
    /// When the connection was made, while there is one.
    since: Option<Instant>,
    typed: Receiver<String>,
    stop: Stop,
}

impl Client {
    /// One connection, from its beginning to its orderly end.
    fn talk(&mut self) -> Result<CloseFrame, BoxError> {
        let address = self.address.to_socket_addrs()?.next().ok_or("ADDR has no address")?;
        let stream = TcpStream::connect_timeout(&address, PATIENCE)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        stream.set_write_timeout(Some(PATIENCE))?;
        let url = format!("{}&after={}", self.url, self.after);
        let (mut socket, _) = tungstenite::client(url, stream).map_err(|error| error.to_string())?;
        self.since = Some(Instant::now());
        println!("connected");
        socket.get_ref().set_read_timeout(Some(TICK))?;
        let mut closed = CloseFrame { code: CloseCode::Status, reason: "".into() };
        let mut heard = Instant::now();
        loop {
            // Nothing more can be written once either side has said that it is over.
            if socket.can_write() && self.stop.is_stopping() {
                socket.close(Some(CloseFrame { code: CloseCode::Normal, reason: "".into() }))?;
            } else if socket.can_write() {
                self.typed.try_iter().try_for_each(|line| socket.send(line.into()))?;
            }
            let silence = if socket.can_write() { SILENCE } else { PATIENCE };
            match socket.read() {
                Ok(Message::Close(frame)) => closed = frame.unwrap_or(closed),
                Ok(message) => self.hear(&message),
                Err(Error::ConnectionClosed) => return Ok(closed),
                Err(Error::Io(error)) if is_only_a_pause(&error) && heard.elapsed() < silence => continue,
                Err(error) => return Err(error.into()),
            }
            heard = Instant::now();
        }
    }

    /// Pings are answered by themselves, but they come here, too.
    fn hear(&mut self, message: &Message) {
        if let Message::Text(text) = message {
            println!("received {text}");
            let said: Value = serde_json::from_str(text).unwrap_or_default();
            self.after = said["id"].as_u64().unwrap_or(self.after);
        }
    }
}

/// A thread of its own, since nothing can wait for stdin and something else; it ends with the process.
fn read_stdin() -> io::Result<Receiver<String>> {
    let (sender, receiver) = mpsc::channel();
    thread::Builder::new().name("stdin".into()).spawn(move || {
        // An error means that main has ended, and so does this.
        let _ = io::stdin().lines().map_while(Result::ok).try_for_each(|line| sender.send(line));
    })?;
    Ok(receiver)
}
