//! A listener in the care of the accept loop, and what its errors mean.

use std::io;
use std::sync::Arc;
use std::time::Instant;

use mio::Token;

use super::Handler;
use super::hold::Held;
use super::linger::{Linger, Recent};
use super::listener::Listener;
use super::protocol::Shared;
use crate::sys;

pub(super) struct Door {
    pub(super) token: Token,
    pub(super) listener: Arc<Listener>,
    pub(super) service: Service,
    pub(super) held: Held,
    pub(super) state: DoorState,
}

/// Who serves what comes in.
pub(super) enum Service {
    /// A worker, from the beginning of a connection to its end.
    Blocking(Arc<Handler>),
    /// The event loops.
    #[cfg_attr(not(unix), allow(dead_code, reason = "see `drive`"))]
    Sessions(Shared),
}

pub(super) struct DoorState {
    /// Something may be in the queue: the last accept did not say `WouldBlock`, or an event has come since.
    pub(super) ready: bool,
    /// There were no descriptors.
    pub(super) paused_until: Option<Instant>,
    /// That was said, and the queue has not been empty since.
    pub(super) pause_told: bool,
    pub(super) recent: Recent,
    /// Set once it stops.
    pub(super) linger: Option<Linger>,
    /// Accepted since it stops.
    pub(super) late: usize,
}

/// What an error of `accept` means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Refusal {
    /// The queue is empty.
    Empty,
    /// There is no room for another connection in this process or system; also what is not understood.
    Exhausted,
    /// A signal.
    Interrupted,
    /// That connection is lost, the next one may not be.
    OfOneConnection,
}

impl DoorState {
    /// Ready at once: an event may have come before the loop knew of the listener.
    pub(super) fn new() -> Self {
        Self { ready: true, paused_until: None, pause_told: false, recent: Recent::default(), linger: None, late: 0 }
    }
}

impl Refusal {
    pub(super) fn of(error: &io::Error) -> Self {
        match (error.kind(), error.raw_os_error()) {
            (io::ErrorKind::WouldBlock, _) => Self::Empty,
            (io::ErrorKind::Interrupted, _) => Self::Interrupted,
            (_, Some(code)) if sys::is_shut(code) => Self::Empty,
            (_, Some(code)) if sys::is_of_one_connection(code) => Self::OfOneConnection,
            _ => Self::Exhausted,
        }
    }
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    #[test]
    fn every_error_of_accept_has_a_meaning() {
        let check = |code: i32, refusal: Refusal| {
            assert_eq!(Refusal::of(&io::Error::from_raw_os_error(code)), refusal, "errno {code}");
        };
        check(libc::EAGAIN, Refusal::Empty);
        check(libc::EINVAL, Refusal::Empty);
        check(libc::EINTR, Refusal::Interrupted);
        for code in [libc::EMFILE, libc::ENFILE, libc::ENOBUFS, libc::ENOMEM] {
            check(code, Refusal::Exhausted);
        }
        for code in [
            libc::ECONNABORTED,
            libc::ECONNRESET,
            libc::EHOSTDOWN,
            libc::EHOSTUNREACH,
            libc::ENETDOWN,
            libc::ENETUNREACH,
            libc::ENOPROTOOPT,
            libc::EOPNOTSUPP,
            libc::EPERM,
            libc::EPROTO,
            libc::ETIMEDOUT,
            #[cfg(target_os = "linux")]
            libc::ENONET,
        ] {
            check(code, Refusal::OfOneConnection);
        }
        // Nothing that an accept should say: rest, and try again.
        for code in [libc::EBADF, libc::ENOTSOCK, libc::EIO] {
            check(code, Refusal::Exhausted);
        }
    }
}
