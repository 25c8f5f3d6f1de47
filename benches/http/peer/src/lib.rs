//! What the peers have in common: where they listen, how they say so, and what they are asked for.
//!
//! Each answers `GET /` with `GREETING`, and `GET /work?ms=N` after a sleep, where it has handlers at all.

use std::io::{self, Write as _};
use std::net::{SocketAddr, TcpListener};
use std::time::Duration;
use std::{env, thread};

/// How long the clients of WebSockets may take to answer the Close that they were sent at the stop signal.
pub const GOODBYE: Duration = Duration::from_secs(5);

/// The answer to `GET /`, as `text/plain`.
pub const GREETING: &str = "Hello, World!";

/// Where to listen: `ADDR`, port 0 for any.
#[must_use]
pub fn address() -> String {
    env::var("ADDR").unwrap_or_else(|_| "127.0.0.1:8080".to_owned())
}

/// The same, with a port that is free now, for those that do not tell which they got.
///
/// # Errors
/// The address cannot be had.
pub fn fixed_address() -> io::Result<SocketAddr> {
    TcpListener::bind(address())?.local_addr()
}

/// Tells that clients may come.
///
/// # Errors
/// Nobody listens to us.
pub fn announce(address: SocketAddr) -> io::Result<()> {
    let mut out = io::stdout().lock();
    writeln!(out, "listening on http://{address}")?;
    out.flush()
}

/// How long `/work` is to take: the `ms=N` of its query.
#[must_use]
pub fn work(query: &str) -> Duration {
    let number = query.split('&').find_map(|pair| pair.strip_prefix("ms=")?.parse().ok());
    Duration::from_millis(number.unwrap_or(0))
}

/// How many threads handle requests, where it is ours to say: `THREADS`, or so many for each core.
#[must_use]
pub fn threads(for_each_core: usize) -> usize {
    let cores = thread::available_parallelism().map_or(1, usize::from);
    env::var("THREADS").ok().and_then(|number| number.parse().ok()).unwrap_or(for_each_core * cores)
}
