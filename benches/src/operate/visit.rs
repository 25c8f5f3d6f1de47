//! What an operator's programs do: connect, ask once, and go.

use std::io::{ErrorKind, Read as _, Write as _};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle, sleep};
use std::time::{Duration, Instant};

use graceful_benches::Result;

use crate::http::client::PATIENCE;

/// What one visit found.
#[derive(Clone, Copy, Debug)]
pub(super) struct Visit {
    pub(super) status: u16,
    pub(super) bytes: usize,
    pub(super) took: Duration,
}

/// On a connection of its own, as kubelet asks; from the call to the end of the connection. `None` when nobody listens.
pub(super) fn visit(address: SocketAddr, path: &str) -> Result<Option<Visit>> {
    let began = Instant::now();
    let mut stream = match TcpStream::connect(address) {
        Ok(stream) => stream,
        Err(error) if error.kind() == ErrorKind::ConnectionRefused => return Ok(None),
        Err(error) => return Err(error.into()),
    };
    stream.set_read_timeout(Some(PATIENCE))?;
    write!(stream, "GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n")?;
    let mut answer = Vec::with_capacity(16 * 1024);
    stream.read_to_end(&mut answer)?;
    let took = began.elapsed();
    // It may be closed already.
    let _ = stream.shutdown(Shutdown::Both);
    let status = answer.get(9..12).and_then(|digits| std::str::from_utf8(digits).ok()?.parse().ok());
    Ok(Some(Visit { status: status.ok_or("the answer has no status")?, bytes: answer.len(), took }))
}

/// The same, and somebody must be there.
pub(super) fn call(address: SocketAddr, path: &str, status: u16) -> Result<Visit> {
    let visit = visit(address, path)?.ok_or_else(|| format!("nobody listens for {path}"))?;
    if visit.status != status {
        return Err(format!("{path} is answered by {}", visit.status).into());
    }
    Ok(visit)
}

/// Prometheus and kubelet, who come once a second until they are dropped.
#[derive(Debug)]
pub(super) struct Operator {
    leave: Arc<AtomicBool>,
    thread: Option<JoinHandle<std::result::Result<(), String>>>,
}

impl Operator {
    pub(super) fn come(address: SocketAddr) -> Self {
        let leave = Arc::new(AtomicBool::new(false));
        let seen = Arc::clone(&leave);
        let thread = thread::spawn(move || {
            let mut next = Instant::now();
            while !seen.load(Ordering::Relaxed) {
                if Instant::now() >= next {
                    // The first time it may not be ready yet.
                    visit(address, "/health/ready").map_err(|error| error.to_string())?;
                    for path in ["/metrics", "/health/live"] {
                        call(address, path, 200).map_err(|error| error.to_string())?;
                    }
                    next += Duration::from_secs(1);
                }
                sleep(Duration::from_millis(20));
            }
            Ok(())
        });
        Self { leave, thread: Some(thread) }
    }

    /// Whether it was answered all the time.
    pub(super) fn go(mut self) -> Result<()> {
        self.leave.store(true, Ordering::Relaxed);
        match self.thread.take().map(JoinHandle::join) {
            Some(Ok(Err(error))) => Err(error.into()),
            Some(Err(_)) => Err("the operator panicked".into()),
            _ => Ok(()),
        }
    }
}

impl Drop for Operator {
    fn drop(&mut self) {
        self.leave.store(true, Ordering::Relaxed);
    }
}
