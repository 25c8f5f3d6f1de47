//! What is asked: an address and a path.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::path::PathBuf;

/// The path that is meant where none is said.
const READY: &str = "/health/ready";

/// A URL that can be asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    /// Where.
    pub place: Place,
    /// What: a path, with its query.
    pub path: String,
}

/// Where something listens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// A host, by address or by name, and a port.
    Tcp {
        /// Without brackets.
        host: String,
        /// The port.
        port: u16,
    },
    /// A Unix socket.
    Unix(PathBuf),
}

impl Target {
    /// Reads `http://host:port/path`, `host:port/path` or `unix:/run/service.sock:/path`. Without a path, readiness is meant.
    /// `0.0.0.0` and `[::]`, where a service listens, are asked at the loopback address.
    ///
    /// # Errors
    /// What is wrong, and what to write.
    pub fn parse(url: &str) -> Result<Self, String> {
        if let Some(bad) = url.chars().find(|letter| letter.is_control() || letter.is_whitespace()) {
            return Err(format!("{url:?} has a {bad:?} in it; write it as %20 or the like"));
        }
        if !url.is_ascii() {
            return Err(format!("{url:?} is not ASCII; write names in their xn-- form and paths with %"));
        }
        let url = url.split('#').next().unwrap_or_default();
        if let Some(rest) = strip_scheme(url, "unix:") {
            return Self::unix(rest);
        }
        if strip_scheme(url, "https://").is_some() {
            return Err(format!(
                "{url}: https is not supported; ask the service itself at its plain address, as http://127.0.0.1:9090{READY}"
            ));
        }
        let rest = strip_scheme(url, "http://").unwrap_or(url);
        if let Some((scheme, _)) = rest.split_once("://").filter(|(scheme, _)| !scheme.contains(['/', '?'])) {
            return Err(format!("{url}: {scheme} is not supported; write http://HOST:PORT/PATH or unix:/SOCKET:/PATH"));
        }
        let at = rest.find(['/', '?']).unwrap_or(rest.len());
        let (authority, path) = rest.split_at(at);
        Ok(Self { place: tcp(url, authority)?, path: absolute(path) })
    }

    fn unix(rest: &str) -> Result<Self, String> {
        let (socket, path) = match rest.find(":/") {
            Some(at) => (&rest[..at], &rest[at + 1..]),
            None => (rest, ""),
        };
        // unix:///run/a.sock is a habit.
        let socket = if socket.starts_with("///") { &socket[2..] } else { socket };
        if socket.is_empty() {
            return Err("unix: names no socket; write unix:/run/service.sock:/health/ready".to_owned());
        }
        Ok(Self { place: Place::Unix(socket.into()), path: absolute(path) })
    }

    /// Another path at the same place.
    #[must_use]
    pub fn with_path(&self, path: impl Into<String>) -> Self {
        Self { place: self.place.clone(), path: path.into() }
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.place {
            Place::Tcp { .. } => write!(f, "http://{}{}", self.place, self.path),
            Place::Unix(_) => write!(f, "{}:{}", self.place, self.path),
        }
    }
}

/// `host:port`, as in a `Host` header.
impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp { host, port } if host.contains(':') => write!(f, "[{host}]:{port}"),
            Self::Tcp { host, port } => write!(f, "{host}:{port}"),
            Self::Unix(path) => write!(f, "unix:{}", path.display()),
        }
    }
}

fn strip_scheme<'a>(url: &'a str, scheme: &str) -> Option<&'a str> {
    let (start, rest) = url.split_at_checked(scheme.len())?;
    start.eq_ignore_ascii_case(scheme).then_some(rest)
}

fn absolute(path: &str) -> String {
    match path.as_bytes().first() {
        None => READY.to_owned(),
        Some(b'/') => path.to_owned(),
        Some(_) => format!("/{path}"),
    }
}

fn tcp(url: &str, authority: &str) -> Result<Place, String> {
    if authority.contains('@') {
        return Err(format!("{url}: names and passwords in a URL are not supported"));
    }
    let (host, port) = match authority.strip_prefix('[') {
        Some(rest) => {
            let (host, behind) = rest.split_once(']').ok_or_else(|| format!("{url}: the bracket [ is never closed"))?;
            host.parse::<Ipv6Addr>().map_err(|_| format!("{url}: [{host}] is no IPv6 address"))?;
            match behind.strip_prefix(':') {
                Some(port) => (host, port),
                None if behind.is_empty() => (host, "80"),
                None => return Err(format!("{url}: a port begins with a colon: http://[{host}]:9090")),
            }
        }
        None if authority.parse::<Ipv6Addr>().is_ok() => {
            return Err(format!("{url}: an IPv6 address needs brackets: http://[{authority}]:9090"));
        }
        None => authority.rsplit_once(':').unwrap_or((authority, "80")),
    };
    let wrong_port = || format!("{url}: {port:?} is no port; write a number from 1 to 65535");
    let port: u16 = port.parse().map_err(|_| wrong_port())?;
    if port == 0 {
        return Err(format!(
            "{url}: port 0 is whatever was free when the service began; write the port that it printed"
        ));
    }
    let is_letter = |letter: char| letter.is_ascii_alphanumeric() || ".-_:".contains(letter);
    if host.is_empty() || !host.chars().all(is_letter) {
        return Err(format!("{url}: {host:?} is no host; write http://HOST:PORT/PATH"));
    }
    Ok(Place::Tcp { host: reachable(host), port })
}

/// What listens everywhere is asked here.
fn reachable(host: &str) -> String {
    match host.parse::<IpAddr>() {
        Ok(IpAddr::V4(address)) if address.is_unspecified() => Ipv4Addr::LOCALHOST.to_string(),
        Ok(IpAddr::V6(address)) if address.is_unspecified() => Ipv6Addr::LOCALHOST.to_string(),
        _ => host.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_can_be_asked() {
        for (url, shown) in [
            ("http://127.0.0.1:9090/health/ready", "http://127.0.0.1:9090/health/ready"),
            ("127.0.0.1:9090", "http://127.0.0.1:9090/health/ready"),
            ("HTTP://shop/livez?deep=1#top", "http://shop:80/livez?deep=1"),
            ("http://shop:8080?x=http://y", "http://shop:8080/?x=http://y"),
            ("http://0.0.0.0:9090", "http://127.0.0.1:9090/health/ready"),
            ("[::]:9090", "http://[::1]:9090/health/ready"),
            ("http://[fe80::1]/", "http://[fe80::1]:80/"),
            ("unix:/run/shop.sock", "unix:/run/shop.sock:/health/ready"),
            ("unix:/run/shop.sock:/livez", "unix:/run/shop.sock:/livez"),
            ("unix:///run/shop.sock:/livez", "unix:/run/shop.sock:/livez"),
        ] {
            assert_eq!(Target::parse(url).map(|target| target.to_string()), Ok(shown.to_owned()), "{url}");
        }
    }

    #[test]
    fn what_cannot_be_asked_says_what_to_write() {
        for (url, what) in [
            ("https://shop/", "https is not supported"),
            ("ftp://shop/", "ftp is not supported"),
            ("http://shop:http/", "\"http\" is no port"),
            ("http://shop:99999/", "is no port"),
            ("http://shop:0/", "port 0"),
            ("http://me:secret@shop/", "passwords"),
            ("http:///x", "\"\" is no host"),
            ("", "\"\" is no host"),
            ("http://[::1/", "never closed"),
            ("http://[shop]:80/", "no IPv6 address"),
            ("[::1]9090", "begins with a colon"),
            ("::1", "needs brackets"),
            ("http://sh op/", "%20"),
            ("http://shop/\r\nX: y", "'\\r'"),
            ("http://größe/", "not ASCII"),
            ("http://shop<>/", "is no host"),
            ("unix:", "names no socket"),
        ] {
            let error = Target::parse(url).expect_err(url);
            assert!(error.contains(what), "{url}: {error}");
        }
    }
}
