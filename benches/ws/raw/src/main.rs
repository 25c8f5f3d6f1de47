//! One thread, one epoll: what nobody who serves WebSockets can be faster than, by much. It knows no fragments, no UTF-8, no
//! limits but its room, and waits where a client does not read.
//!
//! At SIGTERM it closes the listener, answers what has arrived, writes one and the same Close to each, and waits until the clients
//! have answered or are gone.

mod connection;
mod frame;

use std::io;
use std::os::fd::{AsFd, AsRawFd as _, OwnedFd, RawFd};
use std::os::unix::net::UnixStream;
use std::time::{Duration, Instant};

use peer_epoll::listener::Listener;
use rustix::buffer::spare_capacity;
use rustix::event::{Timespec, epoll};
use signal_hook::consts::SIGTERM;

use crate::connection::{Connection, Next, ROOM, State};

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
    room: Box<[u8]>,
    out: Vec<u8>,
    events: Vec<epoll::Event>,
}

impl Server {
    fn new() -> io::Result<Self> {
        Ok(Self {
            epoll: epoll::create(epoll::CreateFlags::CLOEXEC)?,
            connections: Vec::new(),
            open: 0,
            room: vec![0; ROOM].into(),
            out: Vec::with_capacity(ROOM),
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
                    self.attend(token);
                }
            }
        }
    }

    /// The events that were in hand are told again: they are level-triggered.
    fn drain(&mut self, listener: Listener) -> io::Result<()> {
        for socket in listener.close()? {
            self.add(socket)?;
        }
        // All who have sent something, at once; then nobody has the time to ask twice.
        self.events.reserve(self.open + EVENTS);
        self.wait(Some(Duration::ZERO))?;
        self.attend_all();
        for place in 0..self.connections.len() {
            let Some(connection) = &mut self.connections[place] else { continue };
            if !matches!(connection.close(), Ok(Next::Wait)) {
                self.remove(place);
            }
        }
        let end = Instant::now() + peer::GOODBYE;
        while self.open > 0 && Instant::now() < end {
            self.wait(Some(end.saturating_duration_since(Instant::now())))?;
            self.attend_all();
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

    fn remove(&mut self, place: usize) {
        self.connections[place] = None;
        self.open -= 1;
    }

    fn attend_all(&mut self) {
        for place in 0..self.events.len() {
            self.attend(self.events[place].data.u64() as RawFd);
        }
    }

    fn attend(&mut self, token: RawFd) {
        let place = token as usize;
        let Some(Some(connection)) = self.connections.get_mut(place) else { return };
        if !matches!(connection.serve(&mut self.room, &mut self.out), Ok(Next::Wait)) {
            self.remove(place);
        } else if !self.out.is_empty() {
            for member in self.connections.iter().flatten().filter(|one| one.state() == State::Room) {
                // It fails for one that is gone, of which its own event tells.
                let _ = member.write(&self.out);
            }
            self.out.clear();
        }
    }
}
