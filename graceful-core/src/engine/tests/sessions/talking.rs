//! Sessions that come and go between their seat, a loop and a worker: nothing that is sent is overlooked.

use super::*;

#[test]
fn whatever_the_pieces_lines_are_answered() {
    for ground in EVERYWHERE {
        let hall = Hall::new(ground);
        let mut clients = hall.clients(7);
        for client in &mut clients {
            for byte in b"echo one\n" {
                (&client.stream).write_all(&[*byte]).expect("open");
            }
            assert_eq!(client.hear(), "one");
            client.say("echo two\necho three\necho four");
            assert_eq!([client.hear(), client.hear(), client.hear()], ["two", "three", "four"]);
        }
        drop(clients);
        hall.bench.drain();
        hall.bench.await_drained();
        let counts = hall.bench.counts();
        assert_eq!((counts.accepted, counts.completed + counts.closed_idle), (7, 7));
        hall.leave_nothing_behind();
    }
}

#[test]
fn connections_are_spread_over_the_loops() {
    let hall = Hall::new(THREE_LOOPS);
    let names: std::collections::HashSet<_> = hall.clients(6).iter_mut().map(|client| client.ask("where")).collect();
    assert_eq!(names.len(), 3, "{names:?}");
    assert!(names.iter().all(|name| name.starts_with("gf-loop-")), "{names:?}");
}

#[test]
fn work_is_done_by_a_worker_and_comes_home() {
    for ground in [ONE_LOOP, THREE_LOOPS] {
        let hall = Hall::new(ground);
        for mut client in hall.clients(5) {
            for _ in 0..3 {
                assert!(client.ask("work").starts_with("gf-work-"));
                assert!(client.ask("where").starts_with("gf-loop-"));
            }
            // Several in one go.
            client.say("work\nwork\necho x\nwork");
            assert!(client.hear().starts_with("gf-work-"));
            assert!(client.hear().starts_with("gf-work-"));
            assert_eq!(client.hear(), "x");
            assert!(client.hear().starts_with("gf-work-"));
        }
    }
}

#[test]
fn what_arrives_while_it_is_away_is_seen() {
    for ground in EVERYWHERE {
        let mut hall = Hall::new(ground);
        let [mut away, mut gone] = [hall.connect(), hall.connect()];
        away.say("work-block");
        hall.await_entered();
        gone.say("work-block");
        hall.await_entered();
        // The loop hears of these now, as far as it has one.
        away.say("echo late");
        gone.hang_up();
        hall.clients(3);
        hall.open_gate();
        assert_eq!((away.hear(), away.hear()), ("passed".into(), "late".into()));
        assert_eq!(away.ask("echo again"), "again");
        assert_eq!(gone.hear(), "passed");
        gone.await_end();
        assert_eq!(hall.bench.counts().still_open + hall.bench.counts().completed, 5);
    }
}

#[test]
fn the_end_of_the_peers_side_is_seen() {
    for ground in EVERYWHERE {
        let hall = Hall::new(ground);
        let mut client = hall.connect();
        assert_eq!(client.ask("echo x"), "x");
        // The other half still works.
        client.say("echo y");
        client.hang_up();
        assert_eq!(client.hear(), "y");
        client.await_end();
        let reset = hall.connect();
        reset.say("much 100000");
        drop(reset);
        hall.bench.drain();
        hall.bench.await_drained();
        let counts = hall.bench.counts();
        assert_eq!((counts.accepted, counts.completed), (2, 2));
    }
}

#[test]
fn a_write_that_blocks_goes_on_when_there_is_room() {
    /// More than sockets hold.
    const MUCH: usize = 32_000_000;

    for ground in EVERYWHERE {
        let hall = Hall::new(ground);
        let mut slow = hall.connect();
        slow.say(&format!("much {MUCH}\necho behind it"));
        // It is not read from yet.
        for client in &mut hall.clients(6) {
            assert_eq!(client.ask("echo x"), "x");
        }
        slow.swallow(MUCH);
        assert_eq!(slow.hear(), "behind it");
        assert_eq!(slow.ask("echo again"), "again");
    }
}

#[test]
fn a_timer_fires_after_its_time_and_not_before() {
    for ground in EVERYWHERE {
        let hall = Hall::new(ground);
        let mut client = hall.connect();
        assert_eq!(client.ask("echo x"), "x");
        for millis in [1, 30, 7] {
            let before = crate::clock::now();
            assert_eq!(client.ask(&format!("until {millis}")), "timed out");
            let took = crate::clock::now().saturating_duration_since(before);
            assert!(took >= Duration::from_millis(millis), "{millis} ms: {took:?}");
        }
        assert_eq!(client.ask("echo y"), "y");
    }
}

#[test]
fn a_timer_that_is_not_wanted_any_more_does_not_fire() {
    for ground in EVERYWHERE {
        let hall = Hall::new(ground);
        let [mut disarmed, mut moved, mut away, mut witness] = [(); 4].map(|()| hall.connect());
        let id = disarmed.id();
        disarmed.say("until 60");
        disarmed.say("never");
        moved.say("until 60");
        moved.say("until 120");
        // The worker is asked for before the time is over, and no timer runs meanwhile.
        away.say("until 60\nwork\nnever");
        assert!(away.hear().starts_with("gf-work-"));
        assert_eq!(witness.ask("until 100"), "timed out");
        assert_eq!(moved.hear(), "timed out");
        assert_eq!([disarmed.ask("echo x"), moved.ask("echo x"), away.ask("echo x")], ["x"; 3]);
        assert!(hall.runs().iter().all(|seen| (seen.connection, seen.wake) != (id, Wake::TimedOut)));
    }
}

/// A connection for each request, as many in one place: the timer of one is not the next one's.
#[test]
fn a_place_is_left_without_a_timer() {
    let hall = Hall::new(ONE_LOOP);
    for _ in 0..20 {
        let client = hall.connect();
        client.say("until 5\nquit");
        client.await_end();
        let mut next = hall.connect();
        assert_eq!(next.ask("until 15"), "timed out");
    }
    let runs = hall.runs();
    assert_eq!(runs.iter().filter(|seen| seen.wake == Wake::TimedOut).count(), 20, "{runs:?}");
}
