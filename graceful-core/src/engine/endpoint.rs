//! The two ends of a connection, for logs and reports.

use std::fmt;
use std::net::SocketAddr;
#[cfg(unix)]
use std::path::Path;

/// Where a listener or a connection is at home: `127.0.0.1:8080` or `unix:/run/service.sock`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct LocalAddress(Endpoint);

/// Who is at the other end: `192.0.2.7:51544`, or `unix` for a client of a Unix socket, which rarely has a name.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct PeerAddress(Endpoint);

#[derive(Debug, PartialEq, Eq, Hash)]
enum Endpoint {
    #[cfg(unix)]
    Abstract(Box<[u8]>),
    #[cfg(unix)]
    Path(Box<Path>),
    Tcp(SocketAddr),
    Unknown,
    #[cfg(unix)]
    Unnamed,
}

impl LocalAddress {
    /// The address and port, if this is TCP.
    #[must_use]
    pub fn tcp(&self) -> Option<SocketAddr> {
        self.0.tcp()
    }

    /// The path, if this is a Unix socket that has one.
    #[cfg(unix)]
    #[must_use]
    pub fn path(&self) -> Option<&Path> {
        match &self.0 {
            Endpoint::Path(path) => Some(path),
            _ => None,
        }
    }
}

impl PeerAddress {
    /// The address and port, if this is TCP.
    #[must_use]
    pub fn tcp(&self) -> Option<SocketAddr> {
        self.0.tcp()
    }

    /// For a peer that has gone before it could be asked.
    pub(super) fn unknown() -> Self {
        Self(Endpoint::Unknown)
    }

    /// Whether the peer is on this machine, so that a handshake with it takes no time on a wire.
    pub(super) fn is_near(&self) -> bool {
        self.0.tcp().is_none_or(|address| address.ip().to_canonical().is_loopback())
    }
}

// Not inlined: it is done in many places.
impl Clone for Endpoint {
    #[inline(never)]
    fn clone(&self) -> Self {
        match self {
            #[cfg(unix)]
            Self::Abstract(name) => Self::Abstract(name.clone()),
            #[cfg(unix)]
            Self::Path(path) => Self::Path(path.clone()),
            Self::Tcp(address) => Self::Tcp(*address),
            Self::Unknown => Self::Unknown,
            #[cfg(unix)]
            Self::Unnamed => Self::Unnamed,
        }
    }
}

impl Endpoint {
    fn tcp(&self) -> Option<SocketAddr> {
        match self {
            Self::Tcp(address) => Some(*address),
            _ => None,
        }
    }
}

impl From<SocketAddr> for LocalAddress {
    fn from(address: SocketAddr) -> Self {
        Self(Endpoint::Tcp(address))
    }
}

impl From<SocketAddr> for PeerAddress {
    fn from(address: SocketAddr) -> Self {
        Self(Endpoint::Tcp(address))
    }
}

#[cfg(unix)]
impl From<std::os::unix::net::SocketAddr> for LocalAddress {
    fn from(address: std::os::unix::net::SocketAddr) -> Self {
        Self(address.into())
    }
}

#[cfg(unix)]
impl From<std::os::unix::net::SocketAddr> for PeerAddress {
    fn from(address: std::os::unix::net::SocketAddr) -> Self {
        Self(address.into())
    }
}

#[cfg(unix)]
impl From<std::os::unix::net::SocketAddr> for Endpoint {
    fn from(address: std::os::unix::net::SocketAddr) -> Self {
        #[cfg(any(target_os = "linux", target_os = "android"))]
        {
            #[cfg(target_os = "android")]
            use std::os::android::net::SocketAddrExt as _;
            #[cfg(target_os = "linux")]
            use std::os::linux::net::SocketAddrExt as _;

            if let Some(name) = address.as_abstract_name() {
                return Self::Abstract(name.into());
            }
        }
        address.as_pathname().map_or(Self::Unnamed, |path| Self::Path(path.into()))
    }
}

impl fmt::Display for LocalAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Display for PeerAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            #[cfg(unix)]
            Self::Abstract(name) => write!(f, "unix:@{}", name.escape_ascii()),
            #[cfg(unix)]
            Self::Path(path) => write!(f, "unix:{}", path.display()),
            Self::Tcp(address) => address.fmt(f),
            Self::Unknown => f.write_str("unknown"),
            #[cfg(unix)]
            Self::Unnamed => f.write_str("unix"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ends_read_as_they_are_written() {
        let address: SocketAddr = "[::1]:80".parse().expect("an address");
        assert_eq!(LocalAddress::from(address).to_string(), "[::1]:80");
        assert_eq!(LocalAddress::from(address).tcp(), Some(address));
        assert!(PeerAddress::from(address).is_near());
        assert!(PeerAddress::from(SocketAddr::from(([127, 1, 2, 3], 9))).is_near());
        assert!(!PeerAddress::from(SocketAddr::from(([192, 0, 2, 7], 9))).is_near());
    }

    #[cfg(unix)]
    #[test]
    fn unix_ends_are_marked() {
        use std::os::unix::net::SocketAddr;

        let path = SocketAddr::from_pathname("/run/x.sock").expect("short");
        assert_eq!(LocalAddress::from(path.clone()).to_string(), "unix:/run/x.sock");
        assert_eq!(LocalAddress::from(path).path(), Some(Path::new("/run/x.sock")));
        let (one, _other) = std::os::unix::net::UnixStream::pair().expect("descriptors");
        let peer = PeerAddress::from(one.peer_addr().expect("connected"));
        assert_eq!((peer.to_string().as_str(), peer.tcp()), ("unix", None));
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn abstract_ends_have_an_at() {
        use std::os::linux::net::SocketAddrExt as _;

        let name = std::os::unix::net::SocketAddr::from_abstract_name("a\n").expect("short");
        assert_eq!(LocalAddress::from(name).to_string(), "unix:@a\\n");
    }
}
