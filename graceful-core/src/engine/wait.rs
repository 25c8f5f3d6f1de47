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

/// In turns: this platform cannot wait for a socket and a pipe at once.
#[cfg(not(unix))]
pub(super) fn readable(core: &Core, stream: &Stream, stage: Stage, timeout: Option<Duration>) -> io::Result<Readable> {
    use std::os::windows::io::AsSocket as _;

    Ok(match in_turns(core, stage, timeout, |turn| crate::sys::wait_readable(stream.as_socket(), turn))? {
        Waited::Ready => Readable::Ready,
        Waited::Stopping => Readable::Stopping,
        Waited::TimedOut => Readable::TimedOut,
    })
}

/// The same for what a session wants, up to the moment at which the drain begins.
#[cfg(not(unix))]
pub(super) fn ready(core: &Core, stream: &Stream, wanted: Wanted, timeout: Option<Duration>) -> io::Result<Waited> {
    use std::os::windows::io::AsSocket as _;

    let draining = core.stop.stops().stage() >= Stage::Draining;
    let stage = if draining { Stage::Ended } else { Stage::Draining };
    in_turns(core, stage, timeout, |turn| match wanted {
        Wanted::Bytes => crate::sys::wait_readable(stream.as_socket(), turn),
        Wanted::Room => crate::sys::wait_writable(stream.as_socket(), turn),
    })
}

#[cfg(not(unix))]
fn in_turns(
    core: &Core,
    stage: Stage,
    timeout: Option<Duration>,
    wait: impl Fn(Duration) -> io::Result<bool>,
) -> io::Result<Waited> {
    /// How late the stage may be noticed.
    const TURN: Duration = Duration::from_millis(50);

    let deadline = timeout.and_then(|timeout| clock::now().checked_add(timeout));
    loop {
        let left = deadline.map_or(TURN, clock::until);
        if wait(left.min(TURN))? {
            return Ok(Waited::Ready);
        }
        if core.stop.stops().stage() >= stage {
            return Ok(Waited::Stopping);
        }
        if left.is_zero() {
            return Ok(Waited::TimedOut);
        }
    }
}
