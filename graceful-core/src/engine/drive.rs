//! Where sessions are run: on event loops, or by a worker each where a loop cannot watch a socket that others own.

use super::door::Service;
use super::protocol::Shared;

/// On event loops.
#[cfg(unix)]
pub(super) fn on_this_platform(protocol: Shared) -> Service {
    Service::Sessions(protocol)
}

/// By a worker each.
///
/// # Platform
/// Windows, where it is compile-checked only. The tests drive sessions like this on Unix.
#[cfg(not(unix))]
pub(super) fn on_this_platform(protocol: Shared) -> Service {
    Service::Blocking(std::sync::Arc::new(move |connection| by_a_worker::drive(&*protocol, connection)))
}

#[cfg(any(not(unix), test))]
pub(super) mod by_a_worker {
    use std::io;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicBool, Ordering};
    use std::time::Duration;

    use super::super::bell::Home;
    use super::super::connection::Connection;
    use super::super::core::{Core, Phase};
    use super::super::desk::Desk;
    use super::super::event_loop::LOOK;
    use super::super::protocol::{Doing, Next, Protocol, Wake};
    use super::super::registry::Activity;
    use super::super::seats::{Seat, Told, Watch};
    use super::super::turn::{Buffers, Place, Timing, Turn};
    use super::super::wire::{Waited, Wanted};
    use crate::clock;
    use crate::error::BoxError;

    /// How long a worker that waits for a socket does not look whether somebody has called.
    const GLANCE: Duration = Duration::from_millis(20);

    /// Runs the session of one connection to its end. The worker waits wherever a session on a loop would be parked.
    pub(in super::super) fn drive(protocol: &dyn Protocol, connection: Connection) -> Result<(), BoxError> {
        // Reads and writes of sessions do not block; where the call cannot say so, the socket has to.
        #[cfg(not(unix))]
        if let Some(socket) = connection.as_tcp() {
            socket.set_nonblocking(true)?;
        }
        let core = Arc::clone(connection.wire().conn.held.core());
        let (desk, mut buffers) = (Desk::new(), Buffers::new());
        let session = protocol.open(&connection);
        let mut seat = Seat { session, connection, watch: Watch::Nothing, told: Told::Nothing };
        let rung = Arc::new(AtomicBool::new(false));
        let mut wake = news(&core, &mut seat).unwrap_or(Wake::Ready { hung_up: false });
        loop {
            seat.connection.set_activity(Activity::Busy);
            let now = clock::now();
            let turn = Turn {
                wake,
                place: Place::Worker,
                now,
                desk: &desk,
                observer: &core.observer,
                crowd: &core.crowd,
                timing: &Timing::new(now),
                home: Home::Driven(&rung),
            };
            let next = seat.run(&turn, &mut buffers);
            buffers.reset();
            let Some(open) = seat.unless_closed(next) else { return Ok(()) };
            seat = open;
            if core.phase() >= Phase::Closing {
                // It is counted already, and its socket is shut down.
                return Ok(());
            }
            wake = wait(&core, &mut seat, next, &rung)?;
        }
    }

    /// Blocks until what comes next has come.
    fn wait(core: &Core, seat: &mut Seat, next: Next, rung: &Arc<AtomicBool>) -> io::Result<Wake> {
        if next == Next::Work {
            return Ok(Wake::Work);
        }
        if let Next::Read { doing: Doing::Idle, .. } = next {
            seat.rest();
        }
        let (wanted, until) = match next {
            Next::Write { until } => (Wanted::Room, until),
            Next::Read { until, .. } => (Wanted::Bytes, until),
            Next::Become | Next::Close(_) | Next::Work => (Wanted::Bytes, None),
        };
        loop {
            if let Some(wake) = news(core, seat) {
                return Ok(wake);
            }
            if rung.swap(false, Ordering::SeqCst) {
                return Ok(Wake::Called);
            }
            // Somebody besides this function has it, who may ring.
            let can_ring = Arc::strong_count(rung) > 1;
            let glance = can_ring.then(|| clock::now().checked_add(GLANCE)).flatten();
            match seat.connection.wire().wait(wanted, until.into_iter().chain(glance).min())? {
                Waited::Ready => return Ok(LOOK),
                Waited::Stopping => return Ok(news(core, seat).unwrap_or(LOOK)),
                Waited::TimedOut if until.is_some_and(|until| clock::until(until).is_zero()) => {
                    return Ok(Wake::TimedOut);
                }
                Waited::TimedOut => {}
            }
        }
    }

    /// What the session is to be told of a shutdown. Once.
    fn news(core: &Core, seat: &mut Seat) -> Option<Wake> {
        let wake = seat.news(core.stop.stops().stage())?;
        seat.told = match wake {
            Wake::Cancelled => Told::Cancellation,
            Wake::Stopping => Told::Drain,
            _ => Told::Announcement,
        };
        Some(wake)
    }
}
