//! Sessions that hold a loop up: others are served, and the one that held it up goes on.

use std::collections::HashSet;

use super::*;

#[test]
fn others_are_answered_by_another_thread() {
    for ground in [ONE_LOOP, THREE_LOOPS, Ground { road: Road::Unix, ..ONE_LOOP }] {
        let mut hall = Hall::new(ground);
        let mut others = hall.clients(6);
        let mut holder = hall.connect();
        let before = holder.ask("where");
        holder.say("hold");
        hall.await_entered();
        // Those on its loop among them.
        for other in &mut others {
            assert_ne!(other.ask("where"), before, "that thread is not free");
        }
        let mut late = hall.connect();
        assert_eq!(late.ask("echo x"), "x");
        let listed = hall.bench.engine.open().listed;
        assert_eq!(listed.iter().filter(|open| open.thread.is_some()).count(), 1, "{listed:?}");
        assert!(hall.is_slow());

        // What it is sent meanwhile is not lost.
        holder.say("echo y");
        hall.open_gate();
        assert_eq!((holder.hear(), holder.hear()), ("passed".into(), "y".into()));
        assert!(holder.ask("where").starts_with("gf-loop-"));
        // The route is known now.
        let id = holder.id();
        assert_eq!(holder.ask("block"), "passed");
        assert_eq!(hall.await_run(id, Wake::Work).place, Place::Worker);
        hall.leave_nothing_behind();
    }
}

#[test]
fn one_after_the_other_can_hold_it_up() {
    for ground in [ONE_LOOP, THREE_LOOPS] {
        let mut hall = Hall::new(ground);
        let mut holders = hall.clients(20);
        for holder in &holders {
            holder.say("hold");
            hall.await_entered();
        }
        for client in &mut hall.clients(6) {
            assert!(client.ask("where").starts_with("gf-loop-"));
        }
        hall.open_gate();
        for holder in &mut holders {
            assert_eq!(holder.hear(), "passed");
            assert_eq!(holder.ask("echo x"), "x");
        }
        hall.leave_nothing_behind();
    }
}

#[test]
fn a_hundred_block_at_once() {
    for ground in [ONE_LOOP, THREE_LOOPS] {
        let mut hall = Hall::new(ground);
        let mut clients = hall.clients(100);
        for client in &clients {
            client.say("block");
        }
        let inside: HashSet<u64> = clients.iter().map(|_| hall.await_entered()).collect();
        assert_eq!(inside.len(), 100);
        // Most of them on workers, since one that blocks on a loop has the others go there.
        let on_workers = hall.runs().iter().filter(|seen| seen.place == Place::Worker).count();
        assert!(on_workers > 90, "{on_workers}");
        assert_eq!(hall.connect().ask("echo x"), "x");
        hall.open_gate();
        for client in &mut clients {
            assert_eq!(client.hear(), "passed");
            assert_eq!(client.ask("echo x"), "x");
        }
        hall.leave_nothing_behind();
    }
}

/// There is an end to how many threads are lost; then a loop waits, and goes on when one comes back.
#[test]
fn more_hold_it_up_than_threads_may_be_lost() {
    for ground in [ONE_LOOP, THREE_LOOPS] {
        let mut hall = Hall::new(ground);
        let mut clients = hall.clients(90);
        for client in &clients {
            client.say("hold");
        }
        let loops = if let Driven::Loops(loops) = ground.driven { loops } else { 0 };
        for _ in 0..64 + loops {
            hall.await_entered();
        }
        hall.open_gate();
        for client in &mut clients {
            assert_eq!(client.hear(), "passed");
            assert_eq!(client.ask("echo x"), "x");
        }
        hall.leave_nothing_behind();
    }
}

/// One that computes is not asleep, and its loop is given to another thread as well.
#[test]
fn one_that_computes_holds_nobody_up() {
    let (tell, told) = crossbeam_channel::unbounded();
    let stop = Arc::new(std::sync::atomic::AtomicBool::new(false));
    let computing = Arc::clone(&stop);
    let until = crate::clock::now() + PATIENCE;
    let on_call = move || {
        tell.send(()).expect("heard");
        while !computing.load(Ordering::Relaxed) && !crate::clock::until(until).is_zero() {
            std::hint::spin_loop();
        }
    };
    let settings = Settings { on_call: Some(Arc::new(on_call)), ..Settings::default() };
    let hall = Hall::with(ONE_LOOP, Limits::default(), settings);
    let mut holder = hall.connect();
    holder.say("call");
    told.recv_timeout(PATIENCE).expect("called");
    let mut other = hall.connect();
    assert_eq!(other.ask("echo x"), "x");
    stop.store(true, Ordering::Relaxed);
    assert_eq!(holder.hear(), "called");
    assert!(hall.is_slow());
}

/// Again and again after the sentry went to sleep.
#[test]
fn a_loop_is_taken_over_whenever_it_is_held_up() {
    for round in 0..20 {
        let mut hall = Hall::new(ONE_LOOP);
        let mut other = hall.connect();
        // About as long as the sentry is patient.
        assert_eq!(other.ask(&format!("until {}", 60 + 3 * round)), "timed out");
        let holder = hall.connect();
        holder.say("hold");
        hall.await_entered();
        assert_eq!(other.ask("echo x"), "x");
        hall.open_gate();
    }
}

/// A session that holds everything up at the end holds up nobody who ends it.
#[test]
fn the_end_does_not_wait_for_a_session_that_blocks() {
    for ground in [ONE_LOOP, THREE_LOOPS] {
        let mut hall = Hall::new(ground);
        let mut clients = hall.clients(4);
        for client in &mut clients[..2] {
            client.say("hold");
            hall.await_entered();
        }
        clients[2].say("work-block");
        hall.await_entered();
        hall.bench.drain();
        hall.bench.await_stopped();
        clients.pop().expect("four").await_end();
        assert_eq!(hall.bench.cut(), 3);
        let before = crate::clock::now();
        hall.bench.engine.finish();
        let took = crate::clock::now().saturating_duration_since(before);
        // It promises 450 ms; the rest is for a busy machine.
        assert!(took < Duration::from_secs(3), "{took:?}");
        let counts = ConnectionCounts { accepted: 4, cut: 3, closed_idle: 1, ..Default::default() };
        assert_eq!(hall.bench.counts(), counts);
        assert_eq!(hall.bench.engine.open().total, 3);
        for client in clients {
            client.await_end();
        }
        hall.open_gate();
        hall.leave_nothing_behind();
    }
}

/// As it may happen when all else is gone, and the handler owned the last of it.
#[test]
fn a_handler_may_drop_the_runtime() {
    for (ground, line) in [(ONE_LOOP, "call"), (THREE_LOOPS, "call"), (ONE_LOOP, "work-call")] {
        let owned: Arc<Mutex<Option<Arc<Engine>>>> = Arc::default();
        let owner = Arc::clone(&owned);
        let on_call = move || drop(owner.lock().expect("not poisoned").take());
        let settings = Settings { on_call: Some(Arc::new(on_call)), ..Settings::default() };
        let hall = Hall::with(ground, Limits::default(), settings);
        let client = hall.connect();
        let core = Arc::downgrade(&hall.bench.engine.core);
        let Bench { engine, .. } = hall.bench;
        *owned.lock().expect("not poisoned") = Some(engine);
        client.say(line);
        await_gone(&core);
        drop(client);
    }
}
