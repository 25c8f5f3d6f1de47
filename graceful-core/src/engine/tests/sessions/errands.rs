//! The reactor by hand, so that what comes at the same time is known to.

use super::*;
use crate::engine::event_loop::Letter;
use crate::engine::reactor::Errand;
use crate::engine::seats::Seat;

/// A loop that only the test leads.
struct Lab {
    bench: Bench,
    this: Arc<Loop>,
    reactor: Box<Reactor>,
    #[allow(dead_code, reason = "held only to be dropped")]
    ended: crate::channel::Receiver<std::convert::Infallible>,
}

const WAIT: Next = Next::Read { doing: Doing::Idle, until: None };
const READY: Wake = Wake::Ready { hung_up: false };

impl Lab {
    fn new(limits: Limits) -> Self {
        let bench = Bench::new(limits);
        let (poll, waker) = new_poll().expect("descriptors");
        let (running, ended) = crate::channel::channel();
        let this = Arc::new(Loop::new(waker));
        Self { bench, this, reactor: Reactor::new(poll, None, running), ended }
    }

    /// A connection comes in, and waits for bytes. It gets the first place.
    fn arrive(&mut self) -> TcpStream {
        let (ours, theirs) = tcp_pair();
        let connection = self.bench.engine.adopt(ours).expect("open");
        let (lines, ..) = Lines::new(Settings::default());
        self.this.post(Letter::Arrival(connection, lines::protocol(&lines)));
        self.look();
        assert_eq!(self.take(), [(0, READY)].map(|(place, wake)| (place, wake, true)));
        theirs
    }

    fn look(&mut self) {
        // So that it does not wait for what does not come.
        self.this.wake();
        self.reactor.look(&self.bench.engine.core, &self.this);
    }

    fn next(&mut self) -> Option<(Errand, Option<Seat>)> {
        let errand = self.reactor.next_errand(&self.bench.engine.core)?;
        let seat = self.reactor.take(errand.place, errand.wake);
        Some((errand, seat))
    }

    fn settle(&mut self, place: u32, seat: Option<Seat>, next: Next) {
        self.reactor.settle(&self.bench.engine.core, &self.this, place, seat, next);
    }

    /// Does all errands of one batch by having their sessions wait, and tells what they were and whether the session was there.
    fn take(&mut self) -> Vec<(u32, Wake, bool)> {
        let mut errands = Vec::new();
        while let Some((Errand { place, wake }, seat)) = self.next() {
            errands.push((place, wake, seat.is_some()));
            if seat.is_some() {
                self.settle(place, seat, WAIT);
            }
        }
        errands
    }

    fn look_and_take(&mut self) -> Vec<(u32, Wake, bool)> {
        self.look();
        self.take()
    }
}

#[test]
fn a_session_that_goes_away_as_the_drain_begins_is_told_when_it_is_back() {
    let mut lab = Lab::new(Limits::default());
    let mut client = lab.arrive();
    client.write_all(b"x").expect("open");
    lab.bench.stops.raise(Stage::Draining, None);
    lab.look();
    let (errand, seat) = lab.next().expect("bytes are there");
    assert_eq!((errand.wake, seat.is_some()), (READY, true));
    // It is away before it could be told.
    let (errand, nobody) = lab.next().expect("the drain has begun");
    assert_eq!((errand.wake, nobody.is_none()), (Wake::Stopping, true));
    assert!(lab.look_and_take().is_empty());
    lab.this.post(Letter::Home { place: 0, seat, next: WAIT });
    assert_eq!(lab.look_and_take(), [(0, Wake::Stopping, true)]);
    client.write_all(b"x").expect("open");
    assert_eq!(lab.look_and_take(), [(0, READY, true)]);
}

#[test]
fn what_is_told_twice_is_heard_once() {
    let mut lab = Lab::new(Limits::default());
    let mut client = lab.arrive();
    client.write_all(b"x").expect("open");
    lab.bench.stops.raise(Stage::Draining, None);
    // Run for its bytes, it is told again when it is parked.
    let errands = lab.look_and_take();
    assert_eq!(errands, [(0, READY, true), (0, Wake::Stopping, true)]);
    assert_eq!(lab.look_and_take(), [(0, Wake::Stopping, false)]);
    assert!(lab.look_and_take().is_empty());
}

#[test]
fn bytes_that_come_while_it_is_away_are_looked_at_when_it_is_back() {
    let mut lab = Lab::new(Limits::default());
    let mut client = lab.arrive();
    client.write_all(b"x").expect("open");
    lab.look();
    let (_, seat) = lab.next().expect("bytes are there");
    client.write_all(b"y").expect("open");
    assert!(lab.look_and_take().is_empty());
    lab.this.post(Letter::Home { place: 0, seat, next: WAIT });
    assert_eq!(lab.look_and_take(), [(0, Wake::Ready { hung_up: true }, true)]);
}

#[test]
fn a_timer_that_fired_is_not_told_when_something_else_came_first() {
    let mut lab = Lab::new(Limits::default());
    let mut client = lab.arrive();
    let until = crate::clock::now();
    let mut told = Vec::new();
    // Until both come at once.
    while told.len() < 2 {
        client.write_all(b"x").expect("open");
        told.clear();
        lab.look();
        while let Some((Errand { place, wake }, seat)) = lab.next() {
            told.push((wake, seat.is_some()));
            if seat.is_some() {
                lab.settle(place, seat, Next::Read { doing: Doing::Idle, until: Some(until) });
            }
        }
    }
    assert_eq!(told, [(READY, true), (Wake::TimedOut, false)]);
}

/// What is known of a socket is not forgotten because its session goes away for another reason at the same time.
#[test]
fn bytes_that_were_to_be_looked_at_next_are_looked_at_when_it_is_back() {
    let mut lab = Lab::new(Limits::default());
    let mut client = lab.arrive();
    lab.bench.engine.core.pool.clear();
    client.write_all(b"x").expect("open");
    lab.look();
    let (Errand { place, .. }, seat) = lab.next().expect("bytes are there");
    lab.settle(place, seat, Next::Work);
    client.write_all(b"y").expect("open");
    lab.look();
    let (Errand { wake, .. }, seat) = lab.next().expect("no worker is there");
    assert_eq!(wake, Wake::Overloaded);
    // Away, and more bytes are next.
    let (Errand { wake, .. }, nobody) = lab.next().expect("more bytes are there");
    assert_eq!((wake, nobody.is_none()), (READY, true));
    lab.this.post(Letter::Home { place, seat, next: WAIT });
    assert_eq!(lab.look_and_take(), [(0, Wake::Ready { hung_up: true }, true)]);
}

/// A session that does not take no for an answer costs the others nothing but time.
#[test]
fn the_poll_is_looked_at_however_often_work_is_refused() {
    let mut lab = Lab::new(Limits::default());
    let mut client = lab.arrive();
    lab.bench.engine.core.pool.clear();
    client.write_all(b"x").expect("open");
    lab.look();
    for wake in [READY, Wake::Overloaded, Wake::Overloaded] {
        let (errand, seat) = lab.next().expect("one a look");
        assert_eq!((errand.wake, seat.is_some()), (wake, true));
        lab.settle(errand.place, seat, Next::Work);
        assert!(lab.next().is_none());
        // It does not wait: there is something to do.
        lab.reactor.look(&lab.bench.engine.core, &lab.this);
    }
}

#[test]
fn no_errand_is_run_after_the_deadline() {
    let mut lab = Lab::new(Limits::default());
    let mut client = lab.arrive();
    client.write_all(b"x").expect("open");
    lab.look();
    assert_eq!(lab.bench.engine.cut(), 1);
    assert!(lab.next().is_none());
    lab.look();
    assert!(lab.next().is_none());
    drop(client);
    assert_eq!(lab.bench.counts(), ConnectionCounts { accepted: 1, cut: 1, ..Default::default() });
}
