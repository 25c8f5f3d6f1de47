//! Sessions that are called from elsewhere, told of a shutdown early, and replaced by others.

use std::sync::atomic::AtomicUsize;

use super::lines::Settings;
use super::*;

/// A hall whose sessions hand out their bells.
fn with_bells(ground: Ground) -> (Hall, Receiver<Bell>) {
    let (tell, bells) = crossbeam_channel::unbounded();
    let on_bell: Arc<dyn Fn(Bell) + Send + Sync> = Arc::new(move |bell| drop(tell.send(bell)));
    (Hall::with(ground, Limits::default(), Settings { on_bell: Some(on_bell), ..Settings::default() }), bells)
}

#[test]
fn a_bell_has_the_session_run() {
    for ground in EVERYWHERE {
        let (hall, bells) = with_bells(ground);
        let mut clients = hall.clients(3);
        for client in &mut clients {
            assert_eq!(client.ask("bell"), "handed out");
        }
        let bells: Vec<Bell> = bells.try_iter().collect();
        for (client, bell) in clients.iter_mut().zip(&bells) {
            for _ in 0..3 {
                bell.ring();
                assert_eq!(client.hear(), "called");
            }
        }
        // From many threads at a time: each ring is followed by a run, if not by one of its own.
        thread::scope(|scope| {
            for bell in bells.iter().cycle().take(12) {
                scope.spawn(|| (0..100).for_each(|_| bell.ring()));
            }
        });
        for client in &mut clients {
            assert_eq!(client.hear(), "called");
        }
        // Those of connections that are gone ring for nobody, least of all for who sits in their place.
        for mut client in clients {
            client.say("quit");
            while client.try_hear().is_ok() {}
        }
        let mut next = hall.clients(3);
        for bell in &bells {
            bell.ring();
        }
        for client in &mut next {
            assert_eq!(client.ask("echo x"), "x");
        }
        drop((next, bells));
        hall.leave_nothing_behind();
    }
}

#[test]
fn one_that_is_away_is_run_when_it_is_back() {
    for ground in [ONE_LOOP, THREE_LOOPS] {
        let (mut hall, bells) = with_bells(ground);
        let mut client = hall.connect();
        assert_eq!(client.ask("bell"), "handed out");
        let bell = bells.recv_timeout(PATIENCE).expect("handed out");
        let id = client.id();
        client.say("work-block");
        hall.await_entered();
        bell.ring();
        hall.runs();
        hall.open_gate();
        assert_eq!(client.hear(), "passed");
        // It looks at everything, for whatever has happened meanwhile; or it is back before the ring is noticed.
        let calls = [Wake::Called, Wake::Ready { hung_up: true }];
        while !calls.contains(&hall.await_next_run(id)) {}
        drop((client, bell));
        hall.leave_nothing_behind();
    }
}

#[test]
fn who_wants_to_know_is_told_before_the_drain() {
    for ground in EVERYWHERE {
        let mut hall = Hall::new(ground);
        let (mut curious, mut indifferent) = (hall.connect(), hall.connect());
        assert_eq!(curious.ask("curious"), "curious");
        let mut away = hall.connect();
        assert_eq!(away.ask("curious"), "curious");
        away.say("work-block");
        hall.await_entered();
        assert_eq!(indifferent.ask("echo x"), "x");

        hall.bench.stops.raise(Stage::Requested, None);
        hall.bench.engine.announce();
        if let Driven::Loops(_) = ground.driven {
            assert_eq!(curious.hear(), "announced");
        } else {
            // A worker hears of it with the next thing that happens.
            assert_eq!(curious.ask("echo y"), "y");
            assert_eq!(curious.hear(), "announced");
        }
        hall.open_gate();
        assert_eq!(away.hear(), "passed");
        assert_eq!(away.hear(), "announced");
        // Once, and the others not at all.
        for client in [&mut curious, &mut indifferent, &mut away] {
            assert_eq!(client.ask("echo z"), "z");
        }
        hall.bench.drain();
        for client in [curious, indifferent, away] {
            client.await_end();
        }
        hall.bench.await_stopped();
        hall.leave_nothing_behind();
    }
}

#[test]
fn another_session_takes_over() {
    for ground in EVERYWHERE {
        let dropped = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&dropped);
        let on_drop: Arc<dyn Fn() + Send + Sync> = Arc::new(move || {
            count.fetch_add(1, Ordering::SeqCst);
        });
        let hall = Hall::with(ground, Limits::default(), Settings { on_drop: Some(on_drop), ..Settings::default() });
        let mut client = hall.connect();
        for line in ["become", "work-become"] {
            // What was sent behind it is the successor's.
            client.say(&format!("{line}\necho behind"));
            assert_eq!(client.hear(), "became");
            assert_eq!(client.hear(), "behind");
            assert_eq!(client.ask("echo x"), "x");
        }
        assert_eq!(dropped.load(Ordering::SeqCst), 2);
        drop(client);
        hall.leave_nothing_behind();
    }
}
