//! What belongs to the user may block or panic when it is dropped, and when it is made.

use std::sync::atomic::AtomicUsize;

use super::*;

/// One that blocks at a gate, and what shows that somebody does.
fn blocking() -> (Arc<dyn Fn() + Send + Sync>, Receiver<()>, Sender<()>) {
    let (open, gate) = gate();
    let (tell, told) = crossbeam_channel::unbounded();
    let block = move || {
        let _ = tell.send(());
        pass(&gate);
    };
    (Arc::new(block), told, open)
}

#[test]
fn a_session_whose_end_blocks_holds_nobody_up() {
    for ground in [ONE_LOOP, THREE_LOOPS] {
        let (on_drop, dropping, open) = blocking();
        let settings = Settings { on_drop: Some(on_drop), ..Settings::default() };
        let hall = Hall::with(ground, Limits::default(), settings);
        let mut others = hall.clients(6);
        hall.connect().say("quit");
        dropping.recv_timeout(PATIENCE).expect("dropped");
        for other in &mut others {
            assert_eq!(other.ask("echo x"), "x");
        }
        // Now all of them, at once.
        hall.bench.drain();
        hall.bench.await_stopped();
        hall.bench.cut();
        let before = crate::clock::now();
        hall.bench.engine.finish();
        let took = crate::clock::now().saturating_duration_since(before);
        assert!(took < Duration::from_secs(3), "{took:?}");
        drop(open);
        hall.leave_nothing_behind();
    }
}

#[test]
fn a_session_whose_end_panics_harms_nobody() {
    for ground in EVERYWHERE {
        let settings = Settings { on_drop: Some(Arc::new(|| panic!("in a destructor"))), ..Settings::default() };
        let hall = Hall::with(ground, Limits::default(), settings);
        let mut others = hall.clients(3);
        for line in ["quit", "panic", "work\nquit"] {
            let mut client = hall.connect();
            client.say(line);
            while client.try_hear().is_ok() {}
        }
        for other in &mut others {
            assert_eq!(other.ask("echo x"), "x");
        }
        hall.bench.drain();
        hall.bench.await_drained();
        hall.bench.counts();
        hall.leave_nothing_behind();
    }
}

/// When the last listener and session are gone, long before the runtime is.
#[test]
fn a_protocol_goes_with_its_sessions_and_may_take_its_time() {
    for ground in [ONE_LOOP, THREE_LOOPS] {
        let (on_end, ending, open) = blocking();
        let settings = Settings { on_end: Some(on_end), ..Settings::default() };
        let hall = Hall::with(ground, Limits::default(), settings);
        let _clients = hall.clients(3);
        hall.bench.drain();
        hall.bench.await_drained();
        ending.recv_timeout(PATIENCE).expect("dropped");
        let before = crate::clock::now();
        hall.bench.engine.finish();
        let took = crate::clock::now().saturating_duration_since(before);
        assert!(took < Duration::from_secs(3), "{took:?}");
        // Whatever holds that thread up is no connection.
        assert_eq!(hall.bench.engine.open().total, 0);
        drop(open);
        hall.leave_nothing_behind();
    }
}

#[test]
fn a_session_that_cannot_be_made_fails_alone() {
    for ground in EVERYWHERE {
        let on_open = |connection| assert_ne!(connection, 2, "as it was told");
        let settings = Settings { on_open: Some(Arc::new(on_open)), ..Settings::default() };
        let hall = Hall::with(ground, Limits::default(), settings);
        let _first = hall.clients(1);
        hall.connect().await_end();
        let _third = hall.clients(1);
        let counts = hall.bench.counts();
        assert_eq!((counts.failed, counts.still_open), (1, 2));
    }
}

#[test]
fn each_session_is_dropped_once() {
    for ground in EVERYWHERE {
        let (made, gone) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
        let (making, going) = (Arc::clone(&made), Arc::clone(&gone));
        let settings = Settings {
            on_open: Some(Arc::new(move |_| _ = making.fetch_add(1, Ordering::SeqCst))),
            on_drop: Some(Arc::new(move || _ = going.fetch_add(1, Ordering::SeqCst))),
            ..Settings::default()
        };
        let mut hall = Hall::with(ground, Limits { workers: 12, ..Limits::default() }, settings);
        let mut clients = hall.clients(12);
        for (line, client) in ["quit", "panic", "hold", "work-block", "until 1", "echo x"].iter().zip(&mut clients) {
            client.say(line);
        }
        hall.await_entered();
        hall.await_entered();
        hall.bench.drain();
        hall.bench.await_stopped();
        hall.bench.cut();
        hall.open_gate();
        hall.leave_nothing_behind();
        assert_eq!((made.load(Ordering::SeqCst), gone.load(Ordering::SeqCst)), (12, 12));
    }
}
