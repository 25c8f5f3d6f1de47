//! How long a listener that stops stays open for handshakes that are under way.
//!
//! A client has completed its handshake when it gets our SYN-ACK; we have when its ACK arrives, a round trip after we sent
//! ours. Were the listener closed in between, the client would see its new connection reset. New handshakes do not begin any
//! more by then, so this ends soon. Where the kernel can be asked what is under way, the listener closes as soon as nothing
//! is; elsewhere, when nothing has arrived for the time that an ACK may take, judged by who came lately.

use std::io;
use std::time::{Duration, Instant};

use super::endpoint::PeerAddress;
use super::listener::{Listener, Tenure};

/// A packet that passed before the gate was shut is handled by then: the kernel does that without a pause.
const SETTLE: Duration = Duration::from_millis(1);

/// The end of it, whatever is under way.
const LONGEST: Duration = Duration::from_secs(3);

/// The times between two looks at the kernel's list grow up to this.
const SLOWEST_LOOK: Duration = Duration::from_millis(32);

/// Without such a list: a visitor within this time means that another may be at the door.
const LATELY: Duration = Duration::from_secs(1);

/// On this machine a handshake takes microseconds, but either side may be off its processor in the middle of it.
const NEAR: Duration = Duration::from_millis(5);

/// Some round trips within a data centre.
const FAR: Duration = Duration::from_millis(20);

/// When the last visitors came.
#[derive(Debug, Default)]
pub(super) struct Recent {
    near: Option<Instant>,
    far: Option<Instant>,
}

#[derive(Debug)]
pub(super) struct Linger {
    /// Not over before that, except in the exact case: then it is time for another look.
    until: Instant,
    end: Instant,
    way: Way,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    /// Asks the kernel, next time after twice as long.
    Exact { pause: Duration, fallback: Duration },
    /// Waits for a time, which each arrival prolongs if new ones are kept out.
    Guess { quiet: Duration },
    /// Nothing can be under way that would be lost.
    None,
}

impl Recent {
    pub(super) fn note(&mut self, peer: &PeerAddress, now: Instant) {
        if peer.is_near() {
            self.near = Some(now);
        } else {
            self.far = Some(now);
        }
    }

    /// What an ACK may take.
    fn quiet(&self, now: Instant) -> Duration {
        let lately = |at: Option<Instant>| at.is_some_and(|at| now.saturating_duration_since(at) < LATELY);
        match (lately(self.far), lately(self.near)) {
            (true, _) => FAR,
            (false, true) => NEAR,
            (false, false) => SETTLE,
        }
    }
}

impl Linger {
    pub(super) fn begin(listener: &Listener, recent: &Recent, now: Instant) -> Self {
        // Whoever shares it completes the handshakes; and a Unix socket has none.
        let nothing = listener.tenure() == Tenure::Shared || listener.local().tcp().is_none();
        let way = if nothing { Way::None } else { Way::Exact { pause: SETTLE, fallback: recent.quiet(now) } };
        Self::new(way, now)
    }

    /// Somebody came after all, so others like that may.
    pub(super) fn extend(&mut self, peer: &PeerAddress, now: Instant) {
        let Way::Guess { quiet } = &mut self.way else { return };
        // Where new clients cannot be kept out, arrivals would prolong it without end.
        if cfg!(any(target_os = "linux", target_os = "android")) {
            *quiet = (*quiet).max(if peer.is_near() { NEAR } else { FAR });
            self.until = later(now, *quiet).max(self.until).min(self.end);
        }
    }

    /// When to ask again whether it is over.
    pub(super) fn until(&self) -> Instant {
        self.until
    }

    pub(super) fn is_over(&mut self, now: Instant, under_way: impl FnOnce() -> io::Result<bool>) -> bool {
        if now < self.until {
            return false;
        }
        let Way::Exact { pause, fallback } = self.way else { return true };
        if now >= self.end {
            return true;
        }
        match under_way() {
            Ok(false) => return true,
            Ok(true) => {
                let pause = (2 * pause).min(SLOWEST_LOOK);
                self.until = later(now, pause).min(self.end);
                self.way = Way::Exact { pause, fallback };
            }
            Err(_) => {
                // A part of it has passed by now, which does not matter.
                self.until = later(now, fallback.saturating_sub(SETTLE));
                self.way = Way::Guess { quiet: fallback };
            }
        }
        now >= self.until
    }

    fn new(way: Way, now: Instant) -> Self {
        let first = if way == Way::None { Duration::ZERO } else { SETTLE };
        Self { until: later(now, first), end: later(now, LONGEST), way }
    }
}

fn later(now: Instant, by: Duration) -> Instant {
    now.checked_add(by).unwrap_or(now)
}

#[cfg(test)]
mod tests {
    use std::net::SocketAddr;

    use super::*;
    use crate::clock;

    fn peer(ip: [u8; 4]) -> PeerAddress {
        SocketAddr::from((ip, 1)).into()
    }

    fn unknown() -> io::Result<bool> {
        Err(io::ErrorKind::Unsupported.into())
    }

    /// A listener's time after `visits` (peer, millisecond), from 1000 ms on, looked at each millisecond: when it is over.
    fn check(visits: &[([u8; 4], u64)], mut look: impl FnMut(u64) -> io::Result<bool>, over_at: u64) {
        let start = clock::now();
        let at = |millis| start + Duration::from_millis(millis);
        let mut recent = Recent::default();
        for (ip, millis) in visits.iter().filter(|(_, millis)| *millis < 1000) {
            recent.note(&peer(*ip), at(*millis));
        }
        let way = Way::Exact { pause: SETTLE, fallback: recent.quiet(at(1000)) };
        let mut linger = Linger::new(way, at(1000));
        for millis in 1000.. {
            if linger.is_over(at(millis), || look(millis)) {
                assert_eq!(millis, over_at, "{visits:?}");
                return;
            }
            for (ip, _) in visits.iter().filter(|(_, visit)| *visit == millis) {
                linger.extend(&peer(*ip), at(millis));
            }
        }
    }

    #[test]
    fn what_the_kernel_says_decides() {
        let (near, far) = ([127, 0, 0, 1], [192, 0, 2, 7]);
        check(&[], |_| Ok(false), 1001);
        check(&[(far, 999), (near, 999)], |_| Ok(false), 1001);
        check(&[], |millis| Ok(millis < 1002), 1003);
        check(&[], |millis| Ok(millis < 1100), 1127);
        check(&[], |_| Ok(true), 4000);
    }

    #[test]
    fn without_it_the_last_visitors_do() {
        let (near, far) = ([127, 0, 0, 1], [192, 0, 2, 7]);
        check(&[], |_| unknown(), 1001);
        check(&[(near, 0), (far, 0)], |_| unknown(), 1001);
        check(&[(near, 1)], |_| unknown(), 1005);
        check(&[(near, 999), (far, 1)], |_| unknown(), 1020);
    }

    #[cfg(any(target_os = "linux", target_os = "android"))]
    #[test]
    fn arrivals_prolong_a_guess_but_not_for_ever() {
        let (near, far) = ([127, 0, 0, 1], [192, 0, 2, 7]);
        check(&[(near, 1), (near, 1004)], |_| unknown(), 1009);
        check(&[(near, 1), (far, 1004), (near, 1023)], |_| unknown(), 1043);
        let crowd: Vec<_> = (1..9000).map(|millis| (near, millis)).collect();
        check(&crowd, |_| unknown(), 4000);
    }

    #[test]
    fn what_others_hold_too_is_left_at_once() {
        let now = clock::now();
        assert!(Linger::new(Way::None, now).is_over(now, || panic!("asked")));
    }
}
