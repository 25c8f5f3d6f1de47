//! Where the clients connect to, and their sockets.

use std::fmt;
use std::io::{self, Read, Write};
use std::net::{SocketAddr, ToSocketAddrs as _};
#[cfg(unix)]
use std::os::unix::net::SocketAddr as UnixAddr;

use mio::event::Source;
use mio::net::TcpStream;
#[cfg(unix)]
use mio::net::UnixStream;
use mio::{Interest, Registry, Token};

/// The receive buffer of a client that reads slowly. The kernel doubles it.
const SMALL_WINDOW: usize = 8 * 1024;

/// The service under test: an address, `HOST:PORT`, or `unix:/path/of.sock` and `unix:@abstract`.
///
/// A text that is none of these is an error of the run, not of this conversion. Of several addresses of a name the first
/// is taken.
#[derive(Clone, Debug)]
pub struct Target(Written);

#[derive(Clone, Debug)]
enum Written {
    Socket(SocketAddr),
    Text(String),
}

/// A target that can be connected to.
#[derive(Clone, Debug)]
pub(crate) enum Place {
    Tcp(SocketAddr),
    #[cfg(unix)]
    Unix(UnixAddr),
}

/// How much the kernel may receive ahead of the client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Window {
    Default,
    Small,
}

/// A socket that does not block.
#[derive(Debug)]
pub(crate) enum Stream {
    Tcp(TcpStream),
    #[cfg(unix)]
    Unix(UnixStream),
}

impl Target {
    pub(crate) fn resolve(&self) -> io::Result<Place> {
        let text = match &self.0 {
            Written::Socket(address) => return Ok(Place::Tcp(*address)),
            Written::Text(text) => text,
        };
        if let Some(path) = text.strip_prefix("unix:") {
            return unix(path);
        }
        let addresses = text.to_socket_addrs()?.next();
        addresses.map(Place::Tcp).ok_or_else(|| io::Error::new(io::ErrorKind::NotFound, "the name has no address"))
    }

    /// For the header `Host`.
    pub(crate) fn host(&self) -> String {
        match &self.0 {
            Written::Text(text) if text.starts_with("unix:") => "localhost".to_owned(),
            _ => self.to_string(),
        }
    }
}

impl From<SocketAddr> for Target {
    fn from(address: SocketAddr) -> Self {
        Self(Written::Socket(address))
    }
}

impl From<&str> for Target {
    fn from(text: &str) -> Self {
        Self(Written::Text(text.to_owned()))
    }
}

impl From<String> for Target {
    fn from(text: String) -> Self {
        Self(Written::Text(text))
    }
}

/// As it was written.
impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Written::Socket(address) => address.fmt(f),
            Written::Text(text) => text.fmt(f),
        }
    }
}

impl Place {
    /// Begins to connect.
    pub(crate) fn connect(&self, window: Window) -> io::Result<Stream> {
        match (self, window) {
            (Self::Tcp(address), Window::Default) => TcpStream::connect(*address).map(Stream::Tcp),
            (Self::Tcp(address), Window::Small) => small_window(*address).map(Stream::Tcp),
            #[cfg(unix)]
            (Self::Unix(address), _) => UnixStream::connect_addr(address).map(Stream::Unix),
        }
    }
}

impl Stream {
    /// `None` while the connection is still being made.
    pub(crate) fn connected(&self) -> Option<io::Result<()>> {
        match self.take_error() {
            Ok(None) => {}
            Ok(Some(error)) | Err(error) => return Some(Err(error)),
        }
        let peer = match self {
            Self::Tcp(stream) => stream.peer_addr().map(drop),
            #[cfg(unix)]
            Self::Unix(stream) => stream.peer_addr().map(drop),
        };
        match peer {
            Err(error) if error.kind() == io::ErrorKind::NotConnected => None,
            peer => Some(peer),
        }
    }

    /// Small writes are sent at once. Without it the client is only slower, so an error does not matter.
    pub(crate) fn hasten(&self) {
        match self {
            Self::Tcp(stream) => drop(stream.set_nodelay(true)),
            #[cfg(unix)]
            Self::Unix(_) => {}
        }
    }

    /// The client's port, which names the connection in a packet trace.
    pub(crate) fn local_port(&self) -> Option<u16> {
        match self {
            Self::Tcp(stream) => stream.local_addr().ok().map(|address| address.port()),
            #[cfg(unix)]
            Self::Unix(_) => None,
        }
    }

    fn take_error(&self) -> io::Result<Option<io::Error>> {
        match self {
            Self::Tcp(stream) => stream.take_error(),
            #[cfg(unix)]
            Self::Unix(stream) => stream.take_error(),
        }
    }

    fn source(&mut self) -> &mut dyn Source {
        match self {
            Self::Tcp(stream) => stream,
            #[cfg(unix)]
            Self::Unix(stream) => stream,
        }
    }
}

impl Read for Stream {
    #[inline]
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Tcp(stream) => stream.read(buffer),
            #[cfg(unix)]
            Self::Unix(stream) => stream.read(buffer),
        }
    }
}

impl Write for Stream {
    #[inline]
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::Tcp(stream) => stream.write(bytes),
            #[cfg(unix)]
            Self::Unix(stream) => stream.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Source for Stream {
    fn register(&mut self, registry: &Registry, token: Token, interests: Interest) -> io::Result<()> {
        self.source().register(registry, token, interests)
    }

    fn reregister(&mut self, registry: &Registry, token: Token, interests: Interest) -> io::Result<()> {
        self.source().reregister(registry, token, interests)
    }

    fn deregister(&mut self, registry: &Registry) -> io::Result<()> {
        self.source().deregister(registry)
    }
}

fn small_window(address: SocketAddr) -> io::Result<TcpStream> {
    use socket2::{Domain, Socket, Type};
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, None)?;
    socket.set_nonblocking(true)?;
    socket.set_recv_buffer_size(SMALL_WINDOW)?;
    match socket.connect(&address.into()) {
        Err(error) if !is_in_progress(&error) => Err(error),
        _ => Ok(TcpStream::from_std(socket.into())),
    }
}

#[cfg(unix)]
fn is_in_progress(error: &io::Error) -> bool {
    error.raw_os_error() == Some(libc::EINPROGRESS)
}

#[cfg(not(unix))]
fn is_in_progress(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::WouldBlock
}

#[cfg(unix)]
fn unix(path: &str) -> io::Result<Place> {
    match path.strip_prefix('@') {
        None => UnixAddr::from_pathname(path).map(Place::Unix),
        Some(name) => abstract_unix(name).map(Place::Unix),
    }
}

#[cfg(not(unix))]
fn unix(_: &str) -> io::Result<Place> {
    Err(io::ErrorKind::Unsupported.into())
}

#[cfg(any(target_os = "linux", target_os = "android"))]
fn abstract_unix(name: &str) -> io::Result<UnixAddr> {
    #[cfg(target_os = "android")]
    use std::os::android::net::SocketAddrExt as _;
    #[cfg(target_os = "linux")]
    use std::os::linux::net::SocketAddrExt as _;
    UnixAddr::from_abstract_name(name)
}

#[cfg(all(unix, not(any(target_os = "linux", target_os = "android"))))]
fn abstract_unix(_: &str) -> io::Result<UnixAddr> {
    Err(io::ErrorKind::Unsupported.into())
}
