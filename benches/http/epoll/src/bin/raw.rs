//! One thread, one epoll: what nobody who serves HTTP can be faster than, by much.
//!
//! At SIGTERM it does what a drain has to do: it accepts until nobody waits, closes the listener, answers once more whoever
//! asks within `LINGER`, and says that this was the last answer.

use std::io;
use std::os::fd::{AsFd, AsRawFd as _, OwnedFd, RawFd};
use std::os::unix::net::UnixStream;
use std::time::{Duration, Instant};

use peer_epoll::connection::{Connection, Next, ROOM};
use peer_epoll::listener::Listener;
use peer_epoll::wire::Wire;
use rustix::buffer::spare_capacity;
use rustix::event::{Timespec, epoll};
use signal_hook::consts::SIGTERM;

/// How long a client that is silent may still ask.
const LINGER: Duration = Duration::from_millis(200);

/// How long it may then take to close.
const PATIENCE: Duration = Duration::from_secs(1);

/// Those that are taken from the kernel at once.
const EVENTS: usize = 256;

fn main() -> io::Result<()> {
    let (signal, write) = UnixStream::pair()?;
    signal_hook::low_level::pipe::register(SIGTERM, write)?;
    let listener = Listener::open()?;
    let mut server = Server::new()?;
    server.watch(&signal)?;
    server.watch(&listener.socket)?;
    peer::announce(listener.address()?)?;
    server.serve(&listener, signal.as_raw_fd())?;
    server.drain(listener)
}

struct Server {
    epoll: OwnedFd,
    /// By descriptor, which is small.
    connections: Vec<Option<Connection>>,
    open: usize,
    wire: Wire,
    room: Box<[u8]>,
    events: Vec<epoll::Event>,
}

impl Server {
    fn new() -> io::Result<Self> {
        Ok(Self {
            epoll: epoll::create(epoll::CreateFlags::CLOEXEC)?,
            connections: Vec::new(),
            open: 0,
            wire: Wire::new(),
            room: vec![0; ROOM].into(),
            events: Vec::with_capacity(EVENTS),
        })
    }

    fn watch(&self, source: impl AsFd) -> io::Result<()> {
        let token = epoll::EventData::new_u64(source.as_fd().as_raw_fd() as u64);
        Ok(epoll::add(&self.epoll, source, token, epoll::EventFlags::IN)?)
    }

    /// Until the signal comes.
    fn serve(&mut self, listener: &Listener, signal: RawFd) -> io::Result<()> {
        let entrance = listener.socket.as_raw_fd();
        loop {
            self.wait(None)?;
            for place in 0..self.events.len() {
                let token = self.events[place].data.u64() as RawFd;
                if token == entrance {
                    while let Some(socket) = listener.accept()? {
                        self.add(socket)?;
                    }
                } else if token == signal {
                    return Ok(());
                } else {
                    self.attend(token, false);
                }
            }
        }
    }

    /// The events that were in hand are told again: they are level-triggered.
    fn drain(&mut self, listener: Listener) -> io::Result<()> {
        for socket in listener.close()? {
            self.add(socket)?;
        }
        let linger = Instant::now() + LINGER;
        let end = linger + PATIENCE;
        while self.open > 0 && Instant::now() < end {
            let deadline = if Instant::now() < linger { linger } else { end };
            self.wait(Some(deadline.saturating_duration_since(Instant::now())))?;
            for place in 0..self.events.len() {
                self.attend(self.events[place].data.u64() as RawFd, true);
            }
            if Instant::now() >= linger {
                self.connections.iter_mut().flatten().for_each(Connection::close);
            }
        }
        Ok(())
    }

    fn wait(&mut self, timeout: Option<Duration>) -> io::Result<()> {
        let timeout = timeout
            .map(|timeout| Timespec { tv_sec: timeout.as_secs() as i64, tv_nsec: timeout.subsec_nanos().into() });
        self.events.clear();
        match epoll::wait(&self.epoll, spare_capacity(&mut self.events), timeout.as_ref()) {
            Ok(_) | Err(rustix::io::Errno::INTR) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    fn add(&mut self, socket: OwnedFd) -> io::Result<()> {
        self.watch(&socket)?;
        let place = socket.as_raw_fd() as usize;
        if self.connections.len() <= place {
            self.connections.resize_with(place + 1, || None);
        }
        self.connections[place] = Some(Connection::new(socket));
        self.open += 1;
        Ok(())
    }

    fn attend(&mut self, token: RawFd, stopping: bool) {
        let Some(slot) = self.connections.get_mut(token as usize) else { return };
        let Some(connection) = slot else { return };
        if !matches!(connection.serve(&mut self.room, &self.wire, stopping), Ok(Next::Wait)) {
            *slot = None;
            self.open -= 1;
        }
    }
}
