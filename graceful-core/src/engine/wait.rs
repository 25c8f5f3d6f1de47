//! Waiting for bytes or for the end, whichever comes first.

use std::io;
use std::time::Duration;

use super::connection::Readable;
use super::core::Core;
use super::stream::Stream;
use super::wire::{Waited, Wanted};
#[cfg(not(unix))]
use crate::clock;
use crate::runtime::stop::Stage;

/// Waits on the socket and on a pipe that all connections share, whose other end closes when `stage` is reached. No thread,
/// no descriptor and no registration per wait.
#[cfg(unix)]
pub(super) fn readable(core: &Core, stream: &Stream, stage: Stage, timeout: Option<Duration>) -> io::Result<Readable> {
    use std::os::fd::AsFd as _;

    let bell = core.bell(stage)?;
    let [socket, bell] = crate::sys::wait_readable([stream.as_fd(), bell.as_fd()], timeout)?;
    // What has arrived goes before the end.
    Ok(match (socket, bell) {
        (true, _) => Readable::Ready,
        (false, true) => Readable::Stopping,
        (false, false) => Readable::TimedOut,
    })
}

/// The same for what a session wants, up to the moment at which the drain begins.
#[cfg(unix)]
pub(super) fn ready(core: &Core, stream: &Stream, wanted: Wanted, timeout: Option<Duration>) -> io::Result<Waited> {
    use std::os::fd::AsFd as _;

    let draining = core.stop.stops().stage() >= Stage::Draining;
    // The bell of the end rings only when sockets are shut down anyway.
    let bell = core.bell(if draining { Stage::Ended } else { Stage::Draining })?;
    let [socket, bell] = match wanted {
        Wanted::Bytes => crate::sys::wait_readable([stream.as_fd(), bell.as_fd()], timeout)?,
        Wanted::Room => crate::sys::wait_writable(stream.as_fd(), bell.as_fd(), timeout)?,
    };
    Ok(match (socket, bell) {
        (true, _) => Waited::Ready,
        (false, true) => Waited::Stopping,
        (false, false) => Waited::TimedOut,
    })
}

/// The read or write that follows is what waits.
#[cfg(not(unix))]
pub(super) fn ready(_: &Core, stream: &Stream, wanted: Wanted, timeout: Option<Duration>) -> io::Result<Waited> {
    let timeout = timeout.map(|timeout| timeout.max(Duration::from_millis(1)));
    match wanted {
        Wanted::Bytes => stream.set_read_timeout(timeout)?,
        Wanted::Room => stream.set_write_timeout(timeout)?,
    }
    Ok(Waited::Ready)
}

/// Looks at the socket in short turns: this platform cannot wait for a socket and a pipe at once.
#[cfg(not(unix))]
pub(super) fn readable(core: &Core, stream: &Stream, stage: Stage, timeout: Option<Duration>) -> io::Result<Readable> {
    let Stream::Tcp(socket) = stream;
    let restore = socket.read_timeout()?;
    let result = peek_until(core, socket, stage, timeout);
    socket.set_read_timeout(restore)?;
    result
}

#[cfg(not(unix))]
fn peek_until(
    core: &Core,
    socket: &std::net::TcpStream,
    stage: Stage,
    timeout: Option<Duration>,
) -> io::Result<Readable> {
    /// How late the stage may be noticed.
    const TURN: Duration = Duration::from_millis(50);

    let deadline = timeout.and_then(|timeout| clock::now().checked_add(timeout));
    loop {
        let left = deadline.map_or(TURN, clock::until);
        // A timeout of zero is refused.
        socket.set_read_timeout(Some(left.clamp(Duration::from_millis(1), TURN)))?;
        match socket.peek(&mut [0]) {
            Ok(_) => return Ok(Readable::Ready),
            Err(error) if matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut) => {}
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            // The read that follows will tell.
            Err(_) => return Ok(Readable::Ready),
        }
        if core.stop.stops().stage() >= stage {
            return Ok(Readable::Stopping);
        }
        if left.is_zero() {
            return Ok(Readable::TimedOut);
        }
    }
}
