//! The clients of a row: one thread, one epoll, no buffer for any of them.

use std::io::{ErrorKind, Read as _, Write as _};
use std::net::{Ipv4Addr, SocketAddr, SocketAddrV4};
use std::os::fd::{AsRawFd as _, OwnedFd};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use graceful_benches::Result;
use mio::net::TcpStream;
use mio::{Events, Interest, Poll, Token};
use nix::sys::socket::sockopt::{IpBindAddressNoPort, Linger};
use nix::sys::socket::{AddressFamily, SockFlag, SockType, SockaddrIn, bind, connect, setsockopt, socket};

use super::wire;

/// What does not come by then does not come.
pub(crate) const PATIENCE: Duration = Duration::from_secs(10);

/// Handshakes under way: fewer than fit into the queue of a listener of the standard library, 128. One that does not fit is tried
/// again a second later.
const WINDOW: usize = 100;

/// Clients that come from one address.
const FROM_ONE: usize = 1000;

/// Addresses, from 127.0.0.2 on.
const ADDRESSES: usize = 200;

/// Room for one read: many messages.
const ROOM: usize = 64 * 1024;

/// Connections that were ever made: each thousand has an address of its own, so that ports do not run out.
static MADE: AtomicUsize = AtomicUsize::new(0);

/// WebSockets to one server.
#[derive(Debug)]
pub(crate) struct Crowd {
    poll: Poll,
    events: Events,
    clients: Vec<Client>,
    room: Box<[u8]>,
    open: usize,
}

#[derive(Debug)]
struct Client {
    /// Until its end.
    stream: Option<TcpStream>,
    /// The beginning of what has not come wholly.
    begun: Vec<u8>,
    state: State,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Asking,
    Open,
}

/// What a client sees.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Seen<'a> {
    /// A Close, with its code.
    Close(u16),
    /// Text or binary.
    Message(&'a [u8]),
    /// The end of the connection, by the server.
    End(End),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    /// As TCP ends a connection.
    Orderly,
    Reset,
}

impl Crowd {
    /// So many clients, each with its handshake behind it.
    pub(crate) fn connect(address: SocketAddr, path: &str, count: usize) -> Result<Self> {
        let mut crowd = Self {
            poll: Poll::new()?,
            events: Events::with_capacity(1024),
            clients: Vec::with_capacity(count),
            room: vec![0; ROOM].into(),
            open: 0,
        };
        let request = wire::request(address, path);
        let mut asking = 0;
        while crowd.clients.len() < count || asking > 0 {
            while crowd.clients.len() < count && asking < WINDOW {
                crowd.add(address, &request)?;
                asking += 1;
            }
            crowd.greet(&mut asking)?;
        }
        Ok(crowd)
    }

    pub(crate) fn count(&self) -> usize {
        self.clients.len()
    }

    /// Those whose connection has not ended.
    pub(crate) fn open(&self) -> usize {
        self.open
    }

    /// Has one of them send a frame.
    pub(crate) fn send(&mut self, client: usize, frame: &[u8]) -> Result<()> {
        let stream = self.clients[client].stream.as_mut().ok_or("the connection has ended")?;
        Ok(stream.write_all(frame)?)
    }

    /// Waits until there is something to see, or for so long, and has each client answer what `answer` says.
    pub(crate) fn look<'a>(
        &mut self,
        timeout: Duration,
        mut answer: impl FnMut(usize, Seen<'_>) -> Option<&'a [u8]>,
    ) -> Result<()> {
        self.poll(timeout)?;
        let events = std::mem::replace(&mut self.events, Events::with_capacity(0));
        let looked = events.iter().try_for_each(|event| {
            let over = event.is_read_closed() || event.is_error();
            self.attend(event.token().0, over, &mut answer)
        });
        self.events = events;
        looked
    }

    fn add(&mut self, address: SocketAddr, request: &[u8]) -> Result<()> {
        let SocketAddr::V4(address) = address else {
            return Err("the server listens where IPv4 does not reach".into());
        };
        let mut stream = connect_from(source(), address)?;
        stream.set_nodelay(true)?;
        stream.write_all(request)?;
        self.poll.registry().register(&mut stream, Token(self.clients.len()), Interest::READABLE)?;
        self.clients.push(Client { stream: Some(stream), begun: Vec::new(), state: State::Asking });
        self.open += 1;
        Ok(())
    }

    /// Has some more of them get through their handshake.
    fn greet(&mut self, asking: &mut usize) -> Result<()> {
        let began = Instant::now();
        let before = *asking;
        while *asking == before {
            if began.elapsed() > PATIENCE {
                return Err(format!("{asking} handshakes are not answered").into());
            }
            self.poll(PATIENCE)?;
            let events = std::mem::replace(&mut self.events, Events::with_capacity(0));
            for event in &events {
                let Token(place) = event.token();
                if self.clients[place].state == State::Open {
                    return Err("a client is told something before all are there".into());
                }
                self.attend(place, event.is_read_closed(), &mut |_, _| None)?;
                *asking -= usize::from(self.clients[place].state == State::Open);
            }
            self.events = events;
            if self.open < self.clients.len() {
                return Err("the server closes a connection at its handshake".into());
            }
        }
        Ok(())
    }

    fn poll(&mut self, timeout: Duration) -> Result<()> {
        match self.poll.poll(&mut self.events, Some(timeout)) {
            Err(error) if error.kind() != ErrorKind::Interrupted => Err(error.into()),
            _ => Ok(()),
        }
    }

    /// Reads what has come to one. A read that does not fill the room has taken all, but for the end, if that is there.
    fn attend<'a>(
        &mut self,
        place: usize,
        over: bool,
        answer: &mut impl FnMut(usize, Seen<'_>) -> Option<&'a [u8]>,
    ) -> Result<()> {
        loop {
            let client = &mut self.clients[place];
            let Some(stream) = &mut client.stream else { return Ok(()) };
            let begun = client.begun.len();
            self.room[..begun].copy_from_slice(&client.begun);
            let ended = match stream.read(&mut self.room[begun..]) {
                Ok(0) => Some(End::Orderly),
                Ok(more) => {
                    let length = begun + more;
                    let went = client.take(&self.room[..length], |seen| answer(place, seen))?;
                    if went.is_ok() && !over && length < ROOM {
                        return Ok(());
                    }
                    went.err()
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(()),
                Err(error) if error.kind() == ErrorKind::Interrupted => None,
                Err(_) => Some(End::Reset),
            };
            if let Some(end) = ended {
                client.stream = None;
                self.open -= 1;
                answer(place, Seen::End(end));
                return Ok(());
            }
        }
    }
}

impl Drop for Crowd {
    /// By a reset, which leaves nothing behind in TIME_WAIT. The server has had its sample.
    fn drop(&mut self) {
        let at_once = nix::libc::linger { l_onoff: 1, l_linger: 0 };
        for stream in self.clients.iter().filter_map(|client| client.stream.as_ref()) {
            // If it fails, the connection lingers.
            let _ = setsockopt(stream, Linger, &at_once);
        }
    }
}

impl Client {
    /// Frame by frame. What is answered is written at once; who cannot write has lost the connection.
    fn take<'a>(
        &mut self,
        mut bytes: &[u8],
        mut answer: impl FnMut(Seen<'_>) -> Option<&'a [u8]>,
    ) -> Result<std::result::Result<(), End>> {
        if self.state == State::Asking
            && let Some(length) = wire::greeting(bytes)?
        {
            self.state = State::Open;
            bytes = &bytes[length..];
        }
        while self.state == State::Open
            && let Some(frame) = wire::first(bytes)?
        {
            bytes = &bytes[frame.length..];
            let seen = match frame.opcode {
                wire::CLOSE => Seen::Close(frame.code()),
                wire::TEXT | wire::BINARY => Seen::Message(frame.payload),
                _ => continue,
            };
            let (Some(reply), Some(stream)) = (answer(seen), &mut self.stream) else { continue };
            match stream.write_all(reply) {
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Err("the server does not read".into()),
                Err(_) => return Ok(Err(End::Reset)),
                Ok(()) => {}
            }
        }
        if !bytes.is_empty() || !self.begun.is_empty() {
            self.begun = bytes.to_vec();
        }
        Ok(Ok(()))
    }
}

fn source() -> Ipv4Addr {
    let number = MADE.fetch_add(1, Ordering::Relaxed) / FROM_ONE % ADDRESSES;
    // Invariant: there are fewer addresses than that.
    Ipv4Addr::new(127, 0, 0, 2 + number as u8)
}

/// On the loopback a handshake takes microseconds, so it is waited for.
fn connect_from(source: Ipv4Addr, address: SocketAddrV4) -> Result<TcpStream> {
    let socket: OwnedFd = socket(AddressFamily::Inet, SockType::Stream, SockFlag::SOCK_CLOEXEC, None)?;
    setsockopt(&socket, IpBindAddressNoPort, &true)?;
    bind(socket.as_raw_fd(), &SockaddrIn::from(SocketAddrV4::new(source, 0)))?;
    connect(socket.as_raw_fd(), &SockaddrIn::from(address))?;
    let stream = std::net::TcpStream::from(socket);
    stream.set_nonblocking(true)?;
    Ok(TcpStream::from_std(stream))
}
