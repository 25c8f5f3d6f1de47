//! Waiting for bytes or for the end, whichever comes first.

use std::io;
use std::time::Duration;

use super::connection::Readable;
use super::core::Core;
use super::stream::Stream;
use crate::clock;
use crate::runtime::stop::Stage;

/// Waits on the socket and on a pipe that all connections share, whose other end closes when `stage` is reached. No thread,
/// no descriptor and no registration per wait.
#[cfg(unix)]
pub(super) fn readable(core: &Core, stream: &Stream, stage: Stage, timeout: Option<Duration>) -> io::Result<Readable> {
    use std::os::fd::AsFd as _;

    let bell = core.bell(stage)?;
    // An end that is too far away to be expressed is no end.
    let deadline = timeout.and_then(|timeout| clock::now().checked_add(timeout));
    loop {
        let left = deadline.map(clock::until);
        match crate::sys::poll_two(stream.as_fd(), bell.as_fd(), left) {
            Ok(woken) if woken.socket => return Ok(Readable::Ready),
            Ok(woken) if woken.bell => return Ok(Readable::Stopping),
            Ok(_) if deadline.is_some_and(|deadline| clock::until(deadline).is_zero()) => {
                return Ok(Readable::TimedOut);
            }
            Ok(_) => {}
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
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
