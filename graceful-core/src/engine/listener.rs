//! One listening socket: how it is opened, and how it is closed without losing a connection.

use std::io;
use std::net::TcpListener;
#[cfg(unix)]
use std::os::fd::{AsFd as _, AsRawFd as _, BorrowedFd};
#[cfg(unix)]
use std::os::unix::net::UnixListener;

use mio::{Interest, Registry, Token};

use super::address::{Address, Place, Source};
use super::endpoint::{LocalAddress, PeerAddress};
use super::stream::Stream;
#[cfg(unix)]
use super::unix_path::SocketFile;
#[cfg(unix)]
use crate::sys;

/// How many connections the kernel may keep for us; `net.core.somaxconn` caps it. A restart of the clients' side after an
/// outage connects a few thousand at once, and an entry costs the kernel memory only while it is used.
#[cfg(unix)]
const BACKLOG: i32 = 4096;

pub(super) struct Listener {
    socket: Socket,
    local: LocalAddress,
    tenure: Tenure,
    /// The file that we made for it.
    #[cfg(unix)]
    file: Option<SocketFile>,
}

/// Who else may have the socket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Tenure {
    /// Nobody: it was made here.
    Bound,
    /// Nobody, it is to be hoped. When we stop the address is to be dead, but if it is not, it must not be broken.
    Given,
    /// Another process, which goes on with it: when we stop, only our descriptor is closed.
    Shared,
}

enum Socket {
    #[cfg(unix)]
    Tcp(TcpListener),
    /// Where mio needs the whole socket for its events.
    #[cfg(not(unix))]
    Tcp(mio::net::TcpListener),
    #[cfg(unix)]
    Unix(UnixListener),
}

impl Listener {
    pub(super) fn open(address: Address) -> io::Result<Self> {
        match address.0 {
            Source::Socket(address) => Self::tcp(bind_tcp(address)?, Tenure::Bound),
            Source::Tcp(listener) => Self::tcp(listener, Tenure::Given),
            Source::Text(text) => match Place::parse(&text)? {
                Place::Name(name) => Self::tcp(bind_tcp(name)?, Tenure::Bound),
                Place::Socket(address) => Self::tcp(bind_tcp(address)?, Tenure::Bound),
                Place::Abstract(name) => Self::abstract_name(&name),
                Place::Descriptor(number) => Self::inherited(number),
                Place::Path(path) => Self::path(path),
            },
            #[cfg(unix)]
            Source::Unix(listener) => Self::unix(listener, Tenure::Shared, None),
        }
    }

    pub(super) fn local(&self) -> &LocalAddress {
        &self.local
    }

    pub(super) fn tenure(&self) -> Tenure {
        self.tenure
    }

    fn tcp(listener: TcpListener, tenure: Tenure) -> io::Result<Self> {
        listener.set_nonblocking(true)?;
        let local = listener.local_addr()?.into();
        #[cfg(any(target_os = "linux", target_os = "android"))]
        sys::set_nodelay(listener.as_fd())?;
        #[cfg(not(unix))]
        let listener = mio::net::TcpListener::from_std(listener);
        Ok(Self {
            socket: Socket::Tcp(listener),
            local,
            tenure,
            #[cfg(unix)]
            file: None,
        })
    }
}

#[cfg(unix)]
impl Listener {
    /// Listens for events, edge-triggered: after one, accept until `WouldBlock`.
    pub(super) fn register(&mut self, registry: &Registry, token: Token) -> io::Result<()> {
        registry.register(&mut mio::unix::SourceFd(&self.fd().as_raw_fd()), token, Interest::READABLE)
    }

    /// Closing the descriptor is not enough: the kernel goes on as long as another process holds the socket.
    pub(super) fn deregister(&self, registry: &Registry) {
        // It fails for a socket that is not registered only.
        drop(registry.deregister(&mut mio::unix::SourceFd(&self.fd().as_raw_fd())));
    }

    pub(super) fn accept(&self) -> io::Result<(Stream, PeerAddress)> {
        let (stream, peer) = match &self.socket {
            Socket::Tcp(listener) => {
                let (stream, peer) = listener.accept()?;
                #[cfg(not(any(target_os = "linux", target_os = "android")))]
                drop((stream.set_nonblocking(false), stream.set_nodelay(true)));
                (stream.into(), peer.into())
            }
            Socket::Unix(listener) => {
                let (stream, peer) = listener.accept()?;
                #[cfg(not(any(target_os = "linux", target_os = "android")))]
                drop(stream.set_nonblocking(false));
                (stream.into(), peer.into())
            }
        };
        Ok((stream, peer))
    }

    /// Has the kernel turn new clients away, as far as it can, while those that it has already are still to be accepted.
    pub(super) fn turn_away(&self) -> io::Result<()> {
        if self.tenure == Tenure::Shared {
            return Ok(());
        }
        match &self.socket {
            // The next best where there are no filters: a queue of none, so that at least few get in behind our back.
            Socket::Tcp(_) => sys::drop_new_handshakes(self.fd()).or_else(|_| sys::set_backlog(self.fd(), 0)),
            Socket::Unix(_) => {
                if let Some(file) = &self.file {
                    file.remove();
                }
                sys::refuse_connects(self.fd())
            }
        }
    }

    /// Whether a client may be about to complete its handshake, if that can be known.
    pub(super) fn handshake_under_way(&self) -> io::Result<bool> {
        match self.local.tcp() {
            Some(address) => sys::handshake_under_way(self.fd(), address),
            None => Ok(false),
        }
    }

    fn fd(&self) -> BorrowedFd<'_> {
        match &self.socket {
            Socket::Tcp(listener) => listener.as_fd(),
            Socket::Unix(listener) => listener.as_fd(),
        }
    }

    fn unix(listener: UnixListener, tenure: Tenure, file: Option<SocketFile>) -> io::Result<Self> {
        listener.set_nonblocking(true)?;
        let local = listener.local_addr()?.into();
        Ok(Self { socket: Socket::Unix(listener), local, tenure, file })
    }

    fn path(path: String) -> io::Result<Self> {
        let (listener, file) = SocketFile::bind(path.into())?;
        sys::set_backlog(listener.as_fd(), BACKLOG)?;
        Self::unix(listener, Tenure::Bound, Some(file))
    }

    #[cfg(any(target_os = "linux", target_os = "android"))]
    fn abstract_name(name: &str) -> io::Result<Self> {
        #[cfg(target_os = "android")]
        use std::os::android::net::SocketAddrExt as _;
        #[cfg(target_os = "linux")]
        use std::os::linux::net::SocketAddrExt as _;

        let address = std::os::unix::net::SocketAddr::from_abstract_name(name)?;
        let listener = UnixListener::bind_addr(&address)?;
        sys::set_backlog(listener.as_fd(), BACKLOG)?;
        Self::unix(listener, Tenure::Bound, None)
    }

    #[cfg(not(any(target_os = "linux", target_os = "android")))]
    fn abstract_name(_: &str) -> io::Result<Self> {
        Err(io::Error::new(io::ErrorKind::Unsupported, "abstract Unix sockets exist on Linux only"))
    }

    fn inherited(number: i32) -> io::Result<Self> {
        match sys::inherit_listener(number)? {
            sys::InheritedListener::Tcp(listener) => Self::tcp(listener, Tenure::Shared),
            sys::InheritedListener::Unix(listener) => Self::unix(listener, Tenure::Shared, None),
        }
    }
}

#[cfg(not(unix))]
impl Listener {
    pub(super) fn register(&mut self, registry: &Registry, token: Token) -> io::Result<()> {
        let Socket::Tcp(listener) = &mut self.socket;
        registry.register(listener, token, Interest::READABLE)
    }

    /// Nothing to do: the registration ends with the socket.
    pub(super) fn deregister(&self, _: &Registry) {}

    pub(super) fn accept(&self) -> io::Result<(Stream, PeerAddress)> {
        let Socket::Tcp(listener) = &self.socket;
        let (stream, peer) = listener.accept()?;
        let stream = std::net::TcpStream::from(stream);
        stream.set_nonblocking(false)?;
        drop(stream.set_nodelay(true));
        Ok((stream.into(), peer.into()))
    }

    /// Not possible here: what arrives between the last accept and the close is reset.
    pub(super) fn turn_away(&self) -> io::Result<()> {
        Ok(())
    }

    pub(super) fn handshake_under_way(&self) -> io::Result<bool> {
        Err(io::ErrorKind::Unsupported.into())
    }

    fn path(_: String) -> io::Result<Self> {
        Err(io::Error::new(io::ErrorKind::Unsupported, "Unix sockets are not supported on this platform"))
    }

    fn abstract_name(_: &str) -> io::Result<Self> {
        Self::path(String::new())
    }

    fn inherited(_: i32) -> io::Result<Self> {
        Err(io::Error::new(io::ErrorKind::Unsupported, "descriptors cannot be inherited on this platform"))
    }
}

#[cfg(unix)]
impl Drop for Listener {
    fn drop(&mut self) {
        match (self.tenure, &self.socket) {
            // Whoever else may hold it would wonder. A client that comes in the microsecond before it is closed is lost;
            // where nobody else can, it is therefore closed as it is.
            (Tenure::Given, Socket::Tcp(_)) => sys::allow_new_handshakes(self.fd()),
            (Tenure::Bound, _) => self.file.iter().for_each(SocketFile::remove),
            (Tenure::Given | Tenure::Shared, _) => {}
        }
    }
}

fn bind_tcp(address: impl std::net::ToSocketAddrs) -> io::Result<TcpListener> {
    let listener = TcpListener::bind(address)?;
    #[cfg(unix)]
    sys::set_backlog(listener.as_fd(), BACKLOG)?;
    Ok(listener)
}
