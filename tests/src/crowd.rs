//! Thousands of WebSocket clients on one thread: what each of them saw between the signal and its end.

use std::io::{ErrorKind, Read as _, Write as _};
use std::net::{Ipv4Addr, SocketAddr};
use std::time::{Duration, Instant};

use mio::net::TcpStream;
use mio::{Events, Interest, Poll, Token};
use nix::sys::resource::{Resource, getrlimit, setrlimit};

use crate::PATIENCE;
use crate::ws::{CLOSE, FIN, Origin, PING, PONG, TEXT, Ws, close, first_frame, frame};

/// Clients that do nothing but listen, and answer a good-bye.
#[derive(Debug)]
pub struct Crowd {
    poll: Poll,
    clients: Vec<Client>,
}

/// What one of them saw.
#[derive(Debug, Default)]
pub struct Seen {
    /// Messages, and when they came.
    pub texts: Vec<(Instant, String)>,
    /// The good-bye: when, its code and its reason.
    pub close: Option<(Instant, u16, String)>,
    /// When and how its connection ended.
    pub end: Option<(Instant, End)>,
    /// Frames behind the good-bye, or such as no server may send.
    pub wrong: usize,
}

/// How the connection ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// As it should.
    InOrder,
    /// By a reset.
    Reset,
}

/// What a client does when it is told good-bye.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Manners {
    /// It says good-bye as well.
    Answers,
    /// Nothing.
    Mute,
}

#[derive(Debug)]
struct Client {
    stream: TcpStream,
    manners: Manners,
    received: Vec<u8>,
    seen: Seen,
}

/// As many open files as may be had, for this process and those that it starts.
pub fn raise_the_limit_on_files() {
    let (_, most) = getrlimit(Resource::RLIMIT_NOFILE).expect("it is known");
    setrlimit(Resource::RLIMIT_NOFILE, most, most).expect("up to the hard limit anybody may");
}

impl Crowd {
    /// Of nobody.
    #[must_use]
    pub fn new() -> Self {
        Self { poll: Poll::new().expect("a poll can be had"), clients: Vec::new() }
    }

    /// So many more, each of which is upgraded.
    #[must_use]
    #[track_caller]
    pub fn join(mut self, address: SocketAddr, path: &str, number: usize, manners: Manners) -> Self {
        for _ in 0..number {
            let nth = self.clients.len();
            let source = Ipv4Addr::new(127, 0, 0, 1 + (nth % 4) as u8);
            let ws = Ws::open_from(Origin { address: Some(source), receive_buffer: None }, address, path);
            let (stream, empty) = ws.into_stream();
            assert!(empty, "something was sent before the signal");
            stream.set_nonblocking(true).expect("a socket");
            let mut stream = TcpStream::from_std(stream);
            self.poll.registry().register(&mut stream, Token(nth), Interest::READABLE).expect("it can be polled");
            self.clients.push(Client { stream, manners, received: Vec::new(), seen: Seen::default() });
        }
        self
    }

    /// Listens until all connections have ended.
    #[track_caller]
    pub fn listen(mut self) -> Vec<Seen> {
        let deadline = Instant::now() + PATIENCE;
        let mut events = Events::with_capacity(1024);
        let mut open = self.clients.len();
        while open > 0 {
            assert!(Instant::now() < deadline, "{open} of {} connections do not end", self.clients.len());
            match self.poll.poll(&mut events, Some(Duration::from_secs(1))) {
                Ok(()) => {}
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                Err(error) => panic!("it cannot be polled: {error}"),
            }
            for event in &events {
                let client = &mut self.clients[event.token().0];
                if client.seen.end.is_none() && client.listen() {
                    open -= 1;
                }
            }
        }
        self.clients.into_iter().map(|client| client.seen).collect()
    }
}

impl Default for Crowd {
    fn default() -> Self {
        Self::new()
    }
}

impl Client {
    /// Takes in what has come; whether that was the end.
    fn listen(&mut self) -> bool {
        let mut buffer = [0; 4096];
        loop {
            let end = match self.stream.read(&mut buffer) {
                Ok(0) => End::InOrder,
                Ok(length) => {
                    self.received.extend(&buffer[..length]);
                    self.look();
                    continue;
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => return false,
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                Err(_) => End::Reset,
            };
            self.seen.end = Some((Instant::now(), end));
            return true;
        }
    }

    fn look(&mut self) {
        let now = Instant::now();
        while let Some((first, payload, length)) = first_frame(&self.received) {
            let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
            let mut answer = None;
            const WHOLE_TEXT: u8 = FIN | TEXT;
            const WHOLE_CLOSE: u8 = FIN | CLOSE;
            const WHOLE_PING: u8 = FIN | PING;
            match first {
                _ if self.seen.close.is_some() => self.seen.wrong += 1,
                WHOLE_TEXT => self.seen.texts.push((now, text(payload))),
                WHOLE_CLOSE => {
                    let code = payload.first_chunk().map_or(1005, |code| u16::from_be_bytes(*code));
                    self.seen.close = Some((now, code, text(payload.get(2..).unwrap_or_default())));
                    if self.manners == Manners::Answers {
                        answer = Some(close(code, ""));
                    }
                }
                WHOLE_PING => answer = Some(frame(FIN | PONG, payload)),
                _ => self.seen.wrong += 1,
            }
            if let Some(answer) = answer {
                // So little fits always, unless the connection has ended.
                let _ = self.stream.write_all(&answer);
            }
            self.received.drain(..length);
        }
    }
}

impl Seen {
    /// It was told good-bye as a service that stops does, and the connection ended after that, in order.
    #[must_use]
    pub fn is_told(&self) -> bool {
        let told = self.close.as_ref().is_some_and(|(_, code, _)| *code == 1001);
        told && self.wrong == 0 && self.end.is_some_and(|(_, end)| end == End::InOrder)
    }

    /// [`is_told`](Self::is_told) is true.
    #[track_caller]
    pub fn expect_told(&self) -> &Self {
        assert!(self.is_told(), "{self:?}");
        self
    }

    /// When it was told good-bye.
    #[must_use]
    #[track_caller]
    pub fn told_at(&self) -> Instant {
        self.close.as_ref().unwrap_or_else(|| panic!("it was not told: {self:?}")).0
    }
}
