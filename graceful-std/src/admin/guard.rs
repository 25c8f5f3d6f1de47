//! Who may use the admin API.

use std::net::IpAddr;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use graceful_core::{App, LocalAddress};

use super::error::AdminError;
use super::problem::Problem;
use super::token::Token;
use crate::http::{HeaderMap, HeaderName, Method, Request, StatusCode, header};

const FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

/// What a proxy adds.
const PROXIES: [HeaderName; 4] =
    [header::FORWARDED, header::VIA, HeaderName::from_static("x-forwarded-for"), HeaderName::from_static("x-real-ip")];

/// Decides for each request.
pub(super) struct Guard {
    app: App,
    token: Option<Token>,
    /// Set once it listens; nothing is allowed before.
    reach: OnceLock<Reach>,
    refusals: Refusals,
}

/// Who can reach the listener.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Reach {
    /// Everybody on this machine, its browsers included.
    Loopback,
    /// Who may open the socket, which no browser can.
    Unix,
    World,
}

/// Refusals are logged, one a second: whoever is refused must not fill the log.
#[derive(Default)]
struct Refusals {
    /// The second of the last line.
    told: AtomicU64,
    untold: AtomicU64,
}

impl Reach {
    fn of(address: &LocalAddress) -> Self {
        match address.tcp() {
            None => Self::Unix,
            Some(address) if address.ip().to_canonical().is_loopback() => Self::Loopback,
            Some(_) => Self::World,
        }
    }
}

impl Guard {
    pub(super) fn new(app: App, token: Option<Token>) -> Self {
        Self { app, token, reach: OnceLock::new(), refusals: Refusals::default() }
    }

    /// Lets requests in from whoever reaches this address.
    ///
    /// # Errors
    /// [`AdminError::Exposed`] when that is the world and there is no token.
    pub(super) fn open(&self, address: &LocalAddress) -> Result<(), AdminError> {
        let reach = Reach::of(address);
        if reach == Reach::World && self.token.is_none() {
            return Err(AdminError::Exposed { address: address.clone() });
        }
        // It listens once.
        let _ = self.reach.set(reach);
        Ok(())
    }

    /// Whether this request may do what it asks for; a refusal is logged if that would change something.
    pub(super) fn check(&self, request: &Request) -> Result<(), Problem> {
        let verdict = self.judge(request);
        if let Err(problem) = &verdict
            && !matches!(*request.method(), Method::GET | Method::HEAD | Method::OPTIONS)
        {
            self.refusals.tell(&self.app, request, problem);
        }
        verdict
    }

    fn judge(&self, request: &Request) -> Result<(), Problem> {
        if let Some(token) = &self.token {
            if token.is_in(request.headers()) {
                return Ok(());
            }
            let detail = "send the admin token: the header authorization: Bearer …";
            return Err(Problem::new(StatusCode::UNAUTHORIZED, detail));
        }
        match self.reach.get() {
            Some(Reach::Unix) => local(request, Hosts::Any),
            Some(Reach::Loopback) => local(request, Hosts::Loopback),
            Some(Reach::World) | None => {
                let detail = "the admin API is closed here: it has no token (ADMIN_TOKEN_FILE, ADMIN_TOKEN)";
                Err(Problem::new(StatusCode::FORBIDDEN, detail))
            }
        }
    }
}

/// What a `Host` may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Hosts {
    Any,
    Loopback,
}

/// Where no token is asked for, nobody may speak through somebody else's browser or proxy.
fn local(request: &Request, hosts: Hosts) -> Result<(), Problem> {
    let refuse = |detail: &'static str| Err(Problem::new(StatusCode::FORBIDDEN, detail));
    let headers = request.headers();
    let host = match request.uri().authority() {
        Some(authority) => Some(authority.as_str()),
        None => one(headers, &header::HOST).unwrap_or(None),
    };
    if hosts == Hosts::Loopback && !host.is_some_and(is_loopback) {
        return refuse(
            "without a token the host has to be localhost or a loopback address, as in http://127.0.0.1:9090",
        );
    }
    if PROXIES.iter().any(|name| headers.contains_key(name)) {
        return refuse(
            "it came through a proxy: who publishes the admin API wants a token (ADMIN_TOKEN_FILE, ADMIN_TOKEN)",
        );
    }
    match one(headers, &FETCH_SITE) {
        Ok(None | Some("none" | "same-origin")) => {}
        _ => return refuse("a page of another site may not use the admin API"),
    }
    let own = |origin: &str| {
        let authority = origin.strip_prefix("http://").or_else(|| origin.strip_prefix("https://"));
        authority.is_some() && authority == host
    };
    match one(headers, &header::ORIGIN) {
        Ok(None) => Ok(()),
        Ok(Some(origin)) if own(origin) => Ok(()),
        _ => refuse("a page of another origin may not use the admin API"),
    }
}

/// The value of a header; an error when it is there twice, or is not text.
fn one<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Result<Option<&'a str>, ()> {
    let mut values = headers.get_all(name).iter();
    match (values.next(), values.next()) {
        (None, _) => Ok(None),
        (Some(value), None) => value.to_str().map(Some).map_err(|_| ()),
        _ => Err(()),
    }
}

/// `localhost`, `127.0.0.1`, `[::1]`, with or without a port.
fn is_loopback(host: &str) -> bool {
    let name = match host.strip_prefix('[') {
        Some(rest) => match rest.split_once(']') {
            Some((name, port)) if is_port(port) => name,
            _ => return false,
        },
        None => match host.split_once(':') {
            Some((name, port)) if port.bytes().all(|digit| digit.is_ascii_digit()) => name,
            None => host,
            _ => return false,
        },
    };
    let is_address = name.parse::<IpAddr>().is_ok_and(|address| address.to_canonical().is_loopback());
    is_address || name.eq_ignore_ascii_case("localhost")
}

fn is_port(text: &str) -> bool {
    text.is_empty() || text.strip_prefix(':').is_some_and(|port| port.bytes().all(|digit| digit.is_ascii_digit()))
}

impl Refusals {
    fn tell(&self, app: &App, request: &Request, problem: &Problem) {
        let second = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
        if self.told.swap(second, Ordering::SeqCst) == second {
            self.untold.fetch_add(1, Ordering::SeqCst);
            return;
        }
        let mut fields = vec![
            ("method", request.method().as_str().to_owned()),
            ("peer", request.peer().to_string()),
            ("status", problem.code().to_string()),
        ];
        let untold = self.untold.swap(0, Ordering::SeqCst);
        if untold > 0 {
            fields.push(("untold", untold.to_string()));
        }
        app.warn("admin request refused", fields);
    }
}

#[cfg(test)]
mod tests {
    use std::net::SocketAddr;

    use super::*;
    use crate::http::HeaderValue;
    use crate::http::testing::request;

    #[test]
    fn what_is_bound_decides() {
        let check = |address: &str, reach: Reach| {
            let address: SocketAddr = address.parse().expect("an address");
            assert_eq!(Reach::of(&LocalAddress::from(address)), reach, "{address}");
        };
        check("127.0.0.1:9090", Reach::Loopback);
        check("127.8.7.6:1", Reach::Loopback);
        check("[::1]:9090", Reach::Loopback);
        check("[::ffff:127.0.0.1]:9090", Reach::Loopback);
        check("0.0.0.0:9090", Reach::World);
        check("[::]:9090", Reach::World);
        check("10.0.0.7:9090", Reach::World);
        check("[::ffff:10.0.0.7]:9090", Reach::World);
    }

    #[test]
    fn loopback_hosts() {
        for host in ["localhost", "LocalHost:9090", "127.0.0.1", "127.0.0.1:9090", "127.1.2.3:1", "[::1]", "[::1]:9090"]
        {
            assert!(is_loopback(host), "{host}");
        }
        for host in [
            "",
            "evil.example",
            "localhost.evil.example",
            "127.0.0.1.evil.example",
            "localhost:9090.evil.example",
            "user@localhost",
            "localhost@evil.example",
            "[::1]evil.example",
            "[::1]:x",
            "[::1",
            "::1",
            "0.0.0.0",
            "[::]",
            "10.0.0.1",
            "2130706433",
            "0x7f.1",
            "127.1",
        ] {
            assert!(!is_loopback(host), "{host}");
        }
    }

    #[test]
    fn a_browser_cannot_be_turned_against_it() {
        let check = |headers: &[(&'static str, &'static str)], hosts: Hosts, allowed: bool| {
            let mut request = request("POST", "/shutdown");
            for (name, value) in headers {
                request.headers_mut().append(*name, HeaderValue::from_static(value));
            }
            let status = local(&request, hosts).map_err(|problem| problem.code());
            assert_eq!(status, if allowed { Ok(()) } else { Err(403) }, "{headers:?}");
        };
        let host = ("host", "127.0.0.1:9090");
        let loopback = Hosts::Loopback;
        check(&[host], loopback, true);
        check(&[host, ("origin", "http://127.0.0.1:9090")], loopback, true);
        check(&[host, ("sec-fetch-site", "same-origin")], loopback, true);
        check(&[host, ("sec-fetch-site", "none")], loopback, true);
        check(&[], loopback, false);
        check(&[], Hosts::Any, true);
        check(&[host, host], loopback, false);
        check(&[("host", "evil.example")], loopback, false);
        check(&[host, ("origin", "http://evil.example")], loopback, false);
        check(&[host, ("origin", "http://evil.example")], Hosts::Any, false);
        check(&[host, ("origin", "http://127.0.0.1:3000")], loopback, false);
        check(&[host, ("origin", "http://localhost:9090")], loopback, false);
        check(&[host, ("origin", "null")], loopback, false);
        check(&[host, ("origin", "127.0.0.1:9090")], loopback, false);
        check(&[host, ("sec-fetch-site", "cross-site")], loopback, false);
        check(&[host, ("sec-fetch-site", "same-site")], loopback, false);
        check(&[host, ("x-forwarded-for", "10.0.0.7")], loopback, false);
        check(&[host, ("via", "1.1 proxy")], Hosts::Any, false);
    }

    #[test]
    fn the_target_goes_before_the_host() {
        let mut request = request("GET", "http://evil.example/admin/status");
        request.headers_mut().insert("host", HeaderValue::from_static("127.0.0.1:9090"));
        assert!(local(&request, Hosts::Loopback).is_err());
    }
}
