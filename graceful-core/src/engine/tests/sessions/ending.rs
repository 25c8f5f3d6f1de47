//! The drain, the deadline, and what became of every session.

use super::lines::Drain;
use super::*;

const LOOPS: [Ground; 2] = [ONE_LOOP, THREE_LOOPS];

#[test]
fn each_way_to_end_has_its_count() {
    for ground in EVERYWHERE {
        let mut hall = Hall::new(ground);
        for line in ["quit", "panic", "give-up", "work\nquit"] {
            let mut client = hall.connect();
            client.say(line);
            if line == "work\nquit" {
                client.hear();
            }
            client.await_end();
            hall.bench.counts();
        }
        let _idle = hall.clients(3);
        let mut staying = hall.connect();
        assert_eq!(staying.ask("stay"), "staying");
        let mut late = hall.connect();
        late.say("work-block");
        hall.await_entered();
        let half = hall.connect();
        (&half.stream).write_all(b"echo x\nech").expect("open");

        hall.bench.drain();
        hall.bench.await_stopped();
        hall.open_gate();
        // It was away when the drain began, and leaves now.
        assert_eq!(late.hear(), "passed");
        late.await_end();
        assert_eq!(staying.ask("echo x"), "x");
        let left = ConnectionCounts {
            accepted: 10,
            completed: 2,
            failed: 1,
            cut: 1,
            closed_idle: 4,
            still_open: 2,
            ..Default::default()
        };
        await_counts(&hall, left);
        assert_eq!(hall.bench.cut(), 2);
        staying.await_end();
        let end = ConnectionCounts { still_open: 0, cut: 3, ..left };
        assert_eq!(hall.bench.counts(), end);
        hall.bench.engine.finish();
        assert_eq!(hall.bench.counts(), end);
        hall.leave_nothing_behind();
    }
}

fn await_counts(hall: &Hall, expected: ConnectionCounts) {
    let until = crate::clock::now() + PATIENCE;
    while hall.bench.counts() != expected {
        assert!(!crate::clock::until(until).is_zero(), "{:?} is not {expected:?}", hall.bench.counts());
        thread::yield_now();
    }
}

/// Whether it is parked, away, holding a loop up or only coming in.
#[test]
fn that_the_drain_begins_is_told_once_to_each() {
    for ground in EVERYWHERE {
        let settings = Settings { drain: Drain::Ignored, ..Settings::default() };
        let mut hall = Hall::with(ground, Limits::default(), settings);
        let mut clients = hall.clients(8);
        clients[0].say("work-block");
        clients[1].say("hold");
        clients[2].say("work-block");
        for _ in 0..3 {
            hall.await_entered();
        }
        hall.bench.stops.raise(Stage::Draining, None);
        // Nobody has told the listener.
        let mut late = hall.connect();
        assert_eq!(late.ask("echo x"), "x");
        hall.bench.drain();
        hall.bench.await_stopped();
        clients[2].say("work");
        hall.open_gate();
        assert_eq!([clients[0].hear(), clients[1].hear(), clients[2].hear()], ["passed"; 3]);
        clients[2].hear();
        clients.push(late);
        let ids: Vec<u64> = clients.iter_mut().map(Client::id).collect();
        for client in &mut clients {
            // Whatever else there was for it is done by now.
            assert_eq!(client.ask("until 1"), "timed out");
        }
        let told: Vec<u64> =
            hall.runs().iter().filter(|seen| seen.wake == Wake::Stopping).map(|seen| seen.connection).collect();
        for id in ids {
            assert_eq!(told.iter().filter(|told| **told == id).count(), 1, "{id} of {told:?}");
        }
        hall.bench.cut();
        hall.leave_nothing_behind();
    }
}

#[test]
fn a_thousand_idle_sessions_leave_at_once() {
    for ground in [ONE_LOOP, THREE_LOOPS, Ground { road: Road::Unix, ..THREE_LOOPS }] {
        let hall = Hall::new(ground);
        let count = room_for(1_000);
        let clients = hall.clients(count);
        hall.bench.drain();
        hall.bench.await_drained();
        let accepted = count as u64;
        assert_eq!(hall.bench.counts(), ConnectionCounts { accepted, closed_idle: accepted, ..Default::default() });
        for client in clients {
            client.await_end();
        }
        hall.leave_nothing_behind();
    }
}

/// So many connections, or as many as there are descriptors for: other tests want some as well.
fn room_for(wanted: usize) -> usize {
    let limits = std::fs::read_to_string("/proc/self/limits").unwrap_or_default();
    let files = limits.lines().find_map(|line| line.strip_prefix("Max open files")?.split_whitespace().next());
    let most: usize = files.and_then(|files| files.parse().ok()).unwrap_or(256);
    wanted.min(most / 8)
}

#[test]
fn what_is_left_at_the_deadline_is_cut() {
    for ground in LOOPS {
        let limits = Limits { workers: 1, ..Limits::default() };
        let mut hall = Hall::with(ground, limits, Settings::default());
        let mut clients = hall.clients(5);
        for client in &mut clients {
            assert_eq!(client.ask("stay"), "staying");
        }
        clients[0].say("work-block");
        hall.await_entered();
        clients[1].say("hold");
        hall.await_entered();
        clients[2].say("work-block");
        hall.await_activity(registry::Activity::Queued, 1);
        clients[3].say("much 32000000");
        hall.bench.drain();
        hall.bench.await_stopped();
        hall.runs();
        assert_eq!(hall.bench.cut(), 5);
        let counts = ConnectionCounts { accepted: 5, cut: 5, ..Default::default() };
        assert_eq!(hall.bench.counts(), counts);
        hall.open_gate();
        drop(clients);
        // Those that were at something come back, and what was in the queue is not begun.
        hall.bench.engine.finish();
        assert_eq!(hall.bench.counts(), counts);
        assert!(hall.runs().iter().all(|seen| seen.wake != Wake::Work));
        hall.leave_nothing_behind();
    }
}

#[test]
fn nothing_is_begun_after_the_deadline() {
    for ground in LOOPS {
        let mut hall = Hall::new(ground);
        let mut clients = hall.clients(6);
        for client in &mut clients {
            assert_eq!(client.ask("stay"), "staying");
        }
        clients[0].say("hold\nwork");
        hall.await_entered();
        hall.bench.drain();
        hall.bench.await_stopped();
        assert_eq!(hall.bench.cut(), 6);
        hall.open_gate();
        hall.bench.engine.finish();
        assert!(hall.runs().iter().all(|seen| seen.wake != Wake::Work));
        assert_eq!(hall.bench.counts().cut, 6);
        hall.leave_nothing_behind();
    }
}

#[test]
fn an_engine_that_is_dropped_takes_its_sessions_with_it() {
    for ground in LOOPS {
        let hall = Hall::new(ground);
        let clients = hall.clients(6);
        hall.leave_nothing_behind();
        for client in clients {
            client.await_end();
        }
    }
}
