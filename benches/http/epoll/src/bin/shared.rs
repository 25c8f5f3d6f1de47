//! A design for comparison: `THREADS` threads around one epoll. Each event goes to one of them, and the connection is armed
//! again when it has been served. A handler that blocks holds its thread and nobody else, as long as there is another.

use std::io;
use std::os::fd::{AsFd, AsRawFd as _, OwnedFd, RawFd};
use std::sync::{Mutex, PoisonError};
use std::thread;

use peer_epoll::connection::{Connection, Next, ROOM};
use peer_epoll::listener::Listener;
use peer_epoll::wire::Wire;
use rustix::buffer::spare_capacity;
use rustix::event::epoll::{self, EventData, EventFlags};

/// More descriptors than the comparison needs.
const PLACES: usize = 20_000;

/// One at a time: others that were taken with it would wait for its handler.
const EVENTS: usize = 1;

fn main() -> io::Result<()> {
    let listener = Listener::open()?;
    let server = Server {
        epoll: epoll::create(epoll::CreateFlags::CLOEXEC)?,
        connections: (0..PLACES).map(|_| Mutex::new(None)).collect(),
        wire: Wire::new(),
        listener,
    };
    let entrance = server.listener.socket.as_fd();
    epoll::add(&server.epoll, entrance, token(entrance.as_raw_fd()), EventFlags::IN | EventFlags::ONESHOT)?;
    peer::announce(server.listener.address()?)?;
    thread::scope(|scope| {
        let threads: Vec<_> = (0..peer::threads(1)).map(|_| scope.spawn(|| server.serve())).collect();
        threads.into_iter().try_for_each(|thread| thread.join().map_err(|_| io::Error::other("a thread panicked"))?)
    })
}

struct Server {
    epoll: OwnedFd,
    listener: Listener,
    /// By descriptor. Nobody waits for a lock: an event goes to one thread.
    connections: Box<[Mutex<Option<Connection>>]>,
    wire: Wire,
}

impl Server {
    fn serve(&self) -> io::Result<()> {
        let mut room = vec![0; ROOM];
        let mut events = Vec::with_capacity(EVENTS);
        loop {
            match epoll::wait(&self.epoll, spare_capacity(&mut events), None) {
                Ok(_) | Err(rustix::io::Errno::INTR) => {}
                Err(error) => return Err(error.into()),
            }
            for event in events.drain(..) {
                let place = event.data.u64() as RawFd;
                if place == self.listener.socket.as_raw_fd() {
                    self.accept()?;
                } else {
                    self.attend(place, &mut room)?;
                }
            }
        }
    }

    fn accept(&self) -> io::Result<()> {
        while let Some(socket) = self.listener.accept()? {
            let place = socket.as_raw_fd();
            let mut slot = self.connections[place as usize].lock().unwrap_or_else(PoisonError::into_inner);
            epoll::add(&self.epoll, &socket, token(place), EventFlags::IN | EventFlags::ONESHOT)?;
            *slot = Some(Connection::new(socket));
        }
        self.arm(&self.listener.socket)
    }

    fn attend(&self, place: RawFd, room: &mut [u8]) -> io::Result<()> {
        let mut slot = self.connections[place as usize].lock().unwrap_or_else(PoisonError::into_inner);
        let Some(connection) = slot.as_mut() else { return Ok(()) };
        match connection.serve(room, &self.wire, false) {
            Ok(Next::Wait) => self.arm(&*connection),
            Ok(Next::Drop) | Err(_) => {
                let ended = slot.take();
                // The number is free once the socket is closed, and so must be its place.
                drop(slot);
                drop(ended);
                Ok(())
            }
        }
    }

    fn arm(&self, source: impl AsFd) -> io::Result<()> {
        let source = source.as_fd();
        Ok(epoll::modify(&self.epoll, source, token(source.as_raw_fd()), EventFlags::IN | EventFlags::ONESHOT)?)
    }
}

fn token(descriptor: RawFd) -> EventData {
    EventData::new_u64(descriptor as u64)
}
