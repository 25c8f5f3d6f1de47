//! Where to listen, as users write it.

use std::fmt;
use std::io;
use std::net::{SocketAddr, TcpListener};
#[cfg(unix)]
use std::os::unix::net::UnixListener;

/// Where to listen: an address as text, or a listener that is there already.
///
/// | text | listens on |
/// |---|---|
/// | `127.0.0.1:8080`, `[::1]:8080` | that address; port 0 lets the system choose one |
/// | `localhost:8080` | the first address of that name which can be bound |
/// | `unix:/run/service.sock` | a Unix socket at that path |
/// | `unix:@service` | an abstract Unix socket (Linux) |
/// | `fd:3` | a listener that this process was started with (systemd, a supervisor, a hot upgrade) |
///
/// A text that is none of these is an error of the call that listens, not of this conversion.
///
/// **Unix sockets.** A socket file that nobody answers on any more is replaced; one that somebody answers on is an error.
/// The file gets the permissions that the umask leaves; to restrict who may connect, set the umask or use a directory that
/// others cannot enter. It is removed when the listener stops, unless another file has taken its place by then.
///
/// **Inherited descriptors.** The descriptor must be a listening TCP or Unix socket, without the close-on-exec flag (that is
/// how something inherited differs from something opened here), and can be taken once. It is made non-blocking, which
/// whoever shares it sees too.
///
/// **What happens when the listener stops** depends on who else may hold the socket. Where it is bound here, or handed over
/// as a [`TcpListener`], new clients are turned away, those in the queue are still accepted, and so is who is in the middle
/// of a TCP handshake. An `fd:` listener and a `UnixListener` may be shared with another process, which goes on
/// accepting: what waits is accepted, then this process's descriptor is closed, and the socket itself and its file are left
/// as they are.
///
/// # Examples
/// ```
/// use graceful_core::Address;
///
/// let text = Address::from("127.0.0.1:8080");
/// let ready_made = Address::from(std::net::TcpListener::bind("127.0.0.1:0")?);
/// assert_eq!(text.to_string(), "127.0.0.1:8080");
/// # drop(ready_made);
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Debug)]
pub struct Address(pub(super) Source);

#[derive(Debug)]
pub(super) enum Source {
    Socket(SocketAddr),
    Tcp(TcpListener),
    Text(String),
    #[cfg(unix)]
    Unix(UnixListener),
}

/// What an address text means.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Place {
    Abstract(String),
    Descriptor(i32),
    /// `HOST:PORT` with a name to be resolved.
    Name(String),
    Path(String),
    Socket(SocketAddr),
}

impl Place {
    pub(super) fn parse(text: &str) -> io::Result<Self> {
        parse(text).map_err(|why| io::Error::new(io::ErrorKind::InvalidInput, why))
    }
}

impl From<&str> for Address {
    fn from(text: &str) -> Self {
        Self(Source::Text(text.to_owned()))
    }
}

impl From<String> for Address {
    fn from(text: String) -> Self {
        Self(Source::Text(text))
    }
}

impl From<&String> for Address {
    fn from(text: &String) -> Self {
        Self(Source::Text(text.clone()))
    }
}

impl From<SocketAddr> for Address {
    fn from(address: SocketAddr) -> Self {
        Self(Source::Socket(address))
    }
}

impl From<TcpListener> for Address {
    fn from(listener: TcpListener) -> Self {
        Self(Source::Tcp(listener))
    }
}

#[cfg(unix)]
impl From<UnixListener> for Address {
    fn from(listener: UnixListener) -> Self {
        Self(Source::Unix(listener))
    }
}

/// As it was written; a ready-made listener by what it is.
impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Source::Socket(address) => address.fmt(f),
            Source::Tcp(listener) => match listener.local_addr() {
                Ok(address) => address.fmt(f),
                Err(_) => f.write_str("a TcpListener"),
            },
            Source::Text(text) => text.fmt(f),
            #[cfg(unix)]
            Source::Unix(_) => f.write_str("a UnixListener"),
        }
    }
}

fn parse(text: &str) -> Result<Place, &'static str> {
    if let Some(path) = text.strip_prefix("unix:") {
        return match path.strip_prefix('@') {
            _ if path.contains('\0') => Err("a socket path cannot contain a NUL byte"),
            Some("") => Err("the name of the abstract socket is missing"),
            Some(name) => Ok(Place::Abstract(name.to_owned())),
            None if path.is_empty() => Err("the path of the socket is missing"),
            None => Ok(Place::Path(path.to_owned())),
        };
    }
    if let Some(number) = text.strip_prefix("fd:") {
        let digits = !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit());
        return match crate::text::number(number, 10).map(i32::try_from) {
            Some(Ok(number)) if digits => Ok(Place::Descriptor(number)),
            _ => Err("fd: takes the number of an inherited descriptor, as in fd:3"),
        };
    }
    // Not `str::contains`: its search for long texts would be linked for this alone.
    if text.as_bytes().windows(3).any(|three| three == b"://") {
        return Err("an address has no scheme");
    }
    if let Ok(address) = text.parse() {
        return Ok(Place::Socket(address));
    }
    let (host, port) = text.rsplit_once(':').ok_or("the port is missing")?;
    if port.is_empty() || !port.bytes().all(|byte| byte.is_ascii_digit()) || port.parse::<u16>().is_err() {
        return Err("the port is not a number from 0 to 65535");
    }
    match host {
        "" => Err("the host is missing; 0.0.0.0 listens on all IPv4 addresses, [::] on all"),
        _ if host.contains(':') => Err("an IPv6 address is written in brackets, with its port behind"),
        _ if is_host_name(host) => Ok(Place::Name(text.to_owned())),
        _ => Err("the host is neither an address nor a name"),
    }
}

/// Letters, digits, hyphens, dots and the underscores that container networks use. All digits and dots would be a broken
/// IPv4 address, which the resolver of some systems takes for another one.
fn is_host_name(host: &str) -> bool {
    host.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_'))
        && !host.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.')
        && !host.starts_with(['.', '-'])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_mean_places() {
        let check = |text: &str, place: Place| assert_eq!(parse(text), Ok(place), "{text}");
        let socket = |text: &str| Place::Socket(text.parse().expect("an address"));
        check("127.0.0.1:0", socket("127.0.0.1:0"));
        check("[::1]:80", socket("[::1]:80"));
        check("[fe80::1%2]:80", socket("[fe80::1%2]:80"));
        check("localhost:8080", Place::Name("localhost:8080".into()));
        check("my_service.internal:1", Place::Name("my_service.internal:1".into()));
        check("unix:/run/x.sock", Place::Path("/run/x.sock".into()));
        check("unix:relative", Place::Path("relative".into()));
        check("unix:@abstract", Place::Abstract("abstract".into()));
        check("fd:3", Place::Descriptor(3));
        check("fd:0", Place::Descriptor(0));
    }

    #[test]
    fn bad_texts_say_what_is_wrong() {
        let check = |text: &str, words: &str| match parse(text) {
            Err(why) => assert!(why.contains(words), "{text}: {why}"),
            Ok(place) => panic!("{text} means {place:?}"),
        };
        check("", "port is missing");
        check("localhost", "port is missing");
        check("8080", "port is missing");
        check(":8080", "host is missing");
        check("localhost:", "port is not a number");
        check("localhost:http", "port is not a number");
        check("localhost:+80", "port is not a number");
        check("127.0.0.1:65536", "port is not a number");
        check("::1:8080", "in brackets");
        check("[::1]", "port is not a number");
        check("[nonsense]:80", "neither an address nor a name");
        check("256.0.0.1:80", "neither an address nor a name");
        check("127.1:80", "neither an address nor a name");
        check("http://localhost:80", "no scheme");
        check("localhost:80/path", "port is not a number");
        check("local host:80", "neither an address nor a name");
        check("-x:80", "neither an address nor a name");
        check("unix:", "path of the socket is missing");
        check("unix:@", "name of the abstract socket is missing");
        check("unix:/a\0b", "NUL");
        check("fd:", "fd: takes the number");
        check("fd:-1", "fd: takes the number");
        check("fd:+3", "fd: takes the number");
        check("fd:99999999999", "fd: takes the number");
    }
}
