//! A connection, at whichever of the addresses answers first.

use std::fmt;
use std::io::{self, Read, Write};
use std::net::{IpAddr, SocketAddr, TcpStream, ToSocketAddrs as _};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::Duration;

#[cfg(unix)]
use std::os::unix::net::UnixStream;

use super::{Doing, Place, ProbeError, Until};

/// An open connection.
#[derive(Debug)]
pub struct Link {
    stream: Stream,
    /// Bytes of the answer that is under way.
    pub(super) received: usize,
}

#[derive(Debug)]
enum Stream {
    Tcp(TcpStream),
    #[cfg(unix)]
    Unix(UnixStream),
}

impl Link {
    /// Connects to the first of the addresses that can be reached. Each gets its share of the time, so that one that is silent
    /// leaves some to the others.
    ///
    /// # Errors
    /// [`ProbeError::Resolve`], [`ProbeError::Connect`], [`ProbeError::TimedOut`]; of several addresses, the last one's.
    pub fn open(place: &Place, until: Until, note: &mut dyn FnMut(fmt::Arguments<'_>)) -> Result<Self, ProbeError> {
        let (host, port) = match place {
            Place::Tcp { host, port } => (host, *port),
            Place::Unix(path) => {
                note(format_args!("connecting to {}", path.display()));
                return unix(path, until);
            }
        };
        let addresses = resolve(host, port, until)?;
        let mut last = None;
        for (nth, address) in addresses.iter().enumerate() {
            note(format_args!("connecting to {address}"));
            let others = u32::try_from(addresses.len() - nth).unwrap_or(u32::MAX);
            let share = (until.left(Doing::Connecting)? / others).max(Duration::from_millis(1));
            match TcpStream::connect_timeout(address, share) {
                Ok(stream) => {
                    note(format_args!("connected"));
                    // Without it one question would still be answered.
                    let _ = stream.set_nodelay(true);
                    return Ok(Self { stream: Stream::Tcp(stream), received: 0 });
                }
                Err(error) if is_timeout(&error) => last = Some(until.over(Doing::Connecting)),
                Err(source) => {
                    note(format_args!("{address}: {source}"));
                    last = Some(ProbeError::Connect { address: address.to_string(), source });
                }
            }
        }
        Err(last.unwrap_or_else(|| ProbeError::Resolve { host: host.clone(), source: no_address() }))
    }

    /// What has come. `Ok(0)` is the end.
    pub(super) fn read(&mut self, bytes: &mut [u8], until: Until) -> Result<usize, ProbeError> {
        loop {
            let left = until.left(Doing::Answering)?;
            let read = match &mut self.stream {
                Stream::Tcp(stream) => stream.set_read_timeout(Some(left)).and_then(|()| stream.read(bytes)),
                #[cfg(unix)]
                Stream::Unix(stream) => stream.set_read_timeout(Some(left)).and_then(|()| stream.read(bytes)),
            };
            match read {
                Ok(read) => return Ok(read),
                Err(error) if is_timeout(&error) => return Err(until.over(Doing::Answering)),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(source) => return Err(ProbeError::Broken { source }),
            }
        }
    }

    pub(super) fn send(&mut self, bytes: &[u8], until: Until) -> Result<(), ProbeError> {
        let left = until.left(Doing::Answering)?;
        let sent = match &mut self.stream {
            Stream::Tcp(stream) => stream.set_write_timeout(Some(left)).and_then(|()| stream.write_all(bytes)),
            #[cfg(unix)]
            Stream::Unix(stream) => stream.set_write_timeout(Some(left)).and_then(|()| stream.write_all(bytes)),
        };
        match sent {
            Ok(()) => Ok(()),
            Err(error) if is_timeout(&error) => Err(until.over(Doing::Answering)),
            Err(source) => Err(ProbeError::Broken { source }),
        }
    }

    /// Waits for the other side to end a connection on which nothing is under way.
    ///
    /// # Errors
    /// [`ProbeError::Broken`] for a reset, [`ProbeError::TimedOut`], [`ProbeError::NotHttp`] when something comes instead.
    pub fn wait_end(&mut self, until: Until) -> Result<(), ProbeError> {
        let mut bytes = [0; 64];
        match self.read(&mut bytes, until)? {
            0 => Ok(()),
            read => Err(ProbeError::NotHttp { problem: format!("{} came unasked", bytes[..read].escape_ascii()) }),
        }
    }
}

/// A Unix socket whose queue is full lets everybody wait who connects, and no timeout is obeyed: so it is left to a thread too.
#[cfg(unix)]
fn unix(path: &std::path::Path, until: Until) -> Result<Link, ProbeError> {
    let failed = |source| ProbeError::Connect { address: path.display().to_string(), source };
    let own = path.to_owned();
    match aside("gf-connect", until, Doing::Connecting, move || connect(&own))? {
        Ok(stream) => Ok(Link { stream: Stream::Unix(stream), received: 0 }),
        Err(source) => Err(failed(source)),
    }
}

/// `@name` is in the abstract namespace, as where services listen.
#[cfg(unix)]
fn connect(path: &std::path::Path) -> io::Result<UnixStream> {
    #[cfg(target_os = "linux")]
    if let Some(name) = path.to_str().and_then(|path| path.strip_prefix('@')) {
        use std::os::linux::net::SocketAddrExt as _;
        return UnixStream::connect_addr(&std::os::unix::net::SocketAddr::from_abstract_name(name)?);
    }
    UnixStream::connect(path)
}

#[cfg(not(unix))]
fn unix(path: &std::path::Path, _: Until) -> Result<Link, ProbeError> {
    let source = io::Error::new(io::ErrorKind::Unsupported, "there are no Unix sockets on this system");
    Err(ProbeError::Connect { address: path.display().to_string(), source })
}

/// The system's look-up has no timeout, so a name is looked up by a thread that may be left behind.
fn resolve(host: &str, port: u16, until: Until) -> Result<Vec<SocketAddr>, ProbeError> {
    if let Ok(address) = host.parse::<IpAddr>() {
        return Ok(vec![SocketAddr::new(address, port)]);
    }
    let failed = |source| ProbeError::Resolve { host: host.to_owned(), source };
    let name = host.to_owned();
    let look_up = move || (name.as_str(), port).to_socket_addrs().map(Vec::from_iter);
    match aside("gf-resolve", until, Doing::Resolving, look_up)? {
        Ok(addresses) if addresses.is_empty() => Err(failed(no_address())),
        Ok(addresses) => Ok(addresses),
        Err(source) => Err(failed(source)),
    }
}

/// Calls what cannot be interrupted on a thread of its own, which is left behind when the time is over.
fn aside<T: Send + 'static>(
    name: &str,
    until: Until,
    doing: Doing,
    call: impl FnOnce() -> io::Result<T> + Send + 'static,
) -> Result<io::Result<T>, ProbeError> {
    let (tell, told) = mpsc::channel();
    let spawned = thread::Builder::new().name(name.into()).spawn(move || {
        // Nobody listens when the time is over.
        let _ = tell.send(call());
    });
    if let Err(error) = spawned {
        return Ok(Err(error));
    }
    match told.recv_timeout(until.left(doing)?) {
        Ok(result) => Ok(result),
        Err(RecvTimeoutError::Timeout) => Err(until.over(doing)),
        Err(RecvTimeoutError::Disconnected) => Ok(Err(io::Error::other("the thread that asked the system panicked"))),
    }
}

fn no_address() -> io::Error {
    io::Error::new(io::ErrorKind::NotFound, "it has no address")
}

/// The two names that systems have for it.
fn is_timeout(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::TimedOut | io::ErrorKind::WouldBlock)
}
