//! How long a listener that stops stays open for handshakes that are under way.
//!
//! A client has completed its handshake when it gets our SYN-ACK; we have when its ACK arrives, a round trip after we sent
//! ours. Were the listener closed in between, the client would see its new connection reset. New handshakes do not begin any
//! more by then, so the wait is short: until nothing has arrived for the time that an ACK may take. A listener that has had
//! no visitor lately does not wait at all.

use std::time::{Duration, Instant};

use super::endpoint::PeerAddress;
use super::listener::{Listener, Tenure};
use super::registry::Registry;
use super::stream::Stream;

/// A visitor within this time means that another may be at the door.
const LATELY: Duration = Duration::from_secs(1);

/// On this machine a handshake takes microseconds, but either side may be off its processor in the middle of it.
const NEAR: Duration = Duration::from_millis(5);

/// Two round trips within a data centre, with room for a busy one.
const FAR: Duration = Duration::from_millis(20);

/// Round trips above half of this are not waited out.
const FARTHEST: Duration = Duration::from_secs(1);

/// A queue that was full has dropped ACKs; the kernel repeats its SYN-ACK to those clients after a second.
const OVERRUN: Duration = Duration::from_millis(1200);

/// The end of it, however many arrive.
const LONGEST: Duration = Duration::from_secs(3);

/// How many connections are asked for their round-trip time.
const SAMPLE: usize = 64;

/// When the last visitors came.
#[derive(Debug, Default)]
pub(super) struct Recent {
    near: Option<Instant>,
    far: Option<Instant>,
}

#[derive(Debug)]
pub(super) struct Linger {
    quiet: Duration,
    until: Instant,
    /// Where each arrival prolongs it, the end of that.
    extends_to: Option<Instant>,
}

impl Recent {
    pub(super) fn note(&mut self, peer: &PeerAddress, now: Instant) {
        if peer.is_near() {
            self.near = Some(now);
        } else {
            self.far = Some(now);
        }
    }

    /// What an ACK may take, judged by who came lately.
    fn quiet(&self, now: Instant, round_trip: impl FnOnce() -> Option<Duration>) -> Duration {
        let lately = |at: Option<Instant>| at.is_some_and(|at| now.saturating_duration_since(at) < LATELY);
        match (lately(self.far), lately(self.near)) {
            (true, _) => far(round_trip()),
            (false, true) => NEAR,
            (false, false) => Duration::ZERO,
        }
    }
}

impl Linger {
    pub(super) fn begin(listener: &Listener, recent: &Recent, registry: &Registry, now: Instant) -> Self {
        if listener.tenure() == Tenure::Shared || !listener.shakes_hands() {
            // Whoever shares it completes the handshakes; and a Unix socket has none.
            return Self::new(Duration::ZERO, now, None);
        }
        let quiet = recent.quiet(now, || {
            registry
                .sample(SAMPLE)
                .iter()
                .filter(|conn| !conn.peer.is_near())
                .filter_map(|conn| conn.stream.round_trip())
                .max()
        });
        let quiet = if listener.is_overrun() { quiet.max(OVERRUN) } else { quiet };
        // Where new clients cannot be kept out, arrivals would prolong it without end.
        let extends = cfg!(any(target_os = "linux", target_os = "android"));
        Self::new(quiet, now, if extends { now.checked_add(LONGEST) } else { None })
    }

    /// Somebody came after all, so others like that may.
    pub(super) fn extend(&mut self, stream: &Stream, peer: &PeerAddress, now: Instant) {
        let Some(end) = self.extends_to else { return };
        let quiet = if peer.is_near() { NEAR } else { far(stream.round_trip()) };
        self.quiet = self.quiet.max(quiet);
        self.until = end.min(self.until.max(now.checked_add(self.quiet).unwrap_or(end)));
    }

    pub(super) fn until(&self) -> Instant {
        self.until
    }

    pub(super) fn is_over(&self, now: Instant) -> bool {
        self.until <= now
    }

    fn new(quiet: Duration, now: Instant, extends_to: Option<Instant>) -> Self {
        Self { quiet, until: now.checked_add(quiet).unwrap_or(now), extends_to }
    }
}

fn far(round_trip: Option<Duration>) -> Duration {
    round_trip.map_or(FAR, |round_trip| round_trip.saturating_mul(2).clamp(FAR, FARTHEST))
}

#[cfg(test)]
mod tests {
    use std::net::SocketAddr;

    use super::*;
    use crate::clock;

    fn peer(ip: [u8; 4]) -> PeerAddress {
        SocketAddr::from((ip, 1)).into()
    }

    #[test]
    fn the_wait_fits_the_last_visitors() {
        let start = clock::now();
        let at = |millis| start + Duration::from_millis(millis);
        let mut recent = Recent::default();
        let check = |recent: &Recent, millis, round_trip: u64, quiet| {
            let round_trip = Some(Duration::from_millis(round_trip));
            assert_eq!(recent.quiet(at(millis), || round_trip), quiet, "after {millis} ms");
        };
        check(&recent, 0, 50, Duration::ZERO);
        recent.note(&peer([127, 0, 0, 1]), at(0));
        check(&recent, 999, 50, NEAR);
        recent.note(&peer([192, 0, 2, 7]), at(500));
        check(&recent, 999, 1, FAR);
        check(&recent, 999, 50, Duration::from_millis(100));
        check(&recent, 999, 5000, FARTHEST);
        check(&recent, 1500, 50, Duration::ZERO);
    }

    #[test]
    fn arrivals_prolong_it_but_not_for_ever() {
        let start = clock::now();
        let at = |millis| start + Duration::from_millis(millis);
        let (stream, _other) = crate::engine::tests::tcp_pair();
        let stream = Stream::from(stream);
        let mut linger = Linger::new(NEAR, start, Some(at(3000)));
        assert!(!linger.is_over(at(4)) && linger.is_over(at(5)));
        for millis in (4..6000).step_by(4) {
            linger.extend(&stream, &peer([127, 0, 0, 1]), at(millis));
        }
        assert_eq!(linger.until(), at(3000));

        let mut shared = Linger::new(Duration::ZERO, start, None);
        shared.extend(&stream, &peer([192, 0, 2, 7]), at(1));
        assert!(shared.is_over(at(1)));
    }
}
