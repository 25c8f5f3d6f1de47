//! Sessions that want a worker when there is none.

use super::*;

#[test]
fn a_full_queue_is_told_to_the_session() {
    for ground in [ONE_LOOP, THREE_LOOPS] {
        let limits = Limits { workers: 1, requests: 1, ..Limits::default() };
        let mut hall = Hall::with(ground, limits, Settings::default());
        let mut clients = hall.clients(3);
        clients[0].say("work-block");
        hall.await_entered();
        clients[1].say("work");
        hall.await_activity(registry::Activity::Queued, 1);
        assert_eq!(clients[2].ask("work"), "overloaded");
        assert_eq!(clients[2].ask("echo still here"), "still here");
        // The client has its answer a moment before its session rests.
        hall.await_activity(registry::Activity::Idle, 1);
        let states = hall.bench.engine.states();
        assert_eq!((states.busy, states.queued, states.idle, states.leaving), (1, 1, 1, 0));
        hall.open_gate();
        assert_eq!(clients[0].hear(), "passed");
        assert!(clients[1].hear().starts_with("gf-work-"));
        assert!(clients[2].ask("work").starts_with("gf-work-"));
    }
}

#[cfg(target_os = "linux")]
#[test]
fn without_any_worker_each_session_is_told_so() {
    // More than there is memory to be had.
    let limits = Limits { stack: Some(1 << 62), ..Limits::default() };
    let hall = Hall::with(THREE_LOOPS, limits, Settings::default());
    thread::scope(|scope| {
        for mut client in hall.clients(9) {
            scope.spawn(move || {
                let id = client.id().to_string();
                for _ in 0..50 {
                    assert_eq!(client.ask("work"), "overloaded");
                    assert_eq!(client.ask("id"), id);
                }
            });
        }
    });
    hall.leave_nothing_behind();
}

/// Sessions that come and go do not make it forget that a listener waits for room.
#[test]
fn a_listener_that_waits_for_room_is_told_of_it_whoever_else_queues() {
    let limits = Limits { workers: 1, queue: 6, ..Limits::default() };
    let mut hall = Hall::with(THREE_LOOPS, limits, Settings::default());
    let (tell, told) = crossbeam_channel::unbounded();
    let (go, may_go) = crossbeam_channel::bounded(0);
    let address = hall.bench.listen(move |connection| {
        let _ = tell.send(connection.id());
        pass(&may_go);
    });
    // The second of the sessions lives on a loop that does not accept.
    let mut sessions = hall.clients(2);
    let visitors: Vec<TcpStream> = (0..10).map(|_| connect(address)).collect();
    told.recv_timeout(PATIENCE).expect("the first is in the handler");
    while !hall.bench.engine.core.pool.holds_accept_up() {
        thread::yield_now();
    }
    for _ in 0..2 {
        go.send_timeout((), PATIENCE).expect("a handler waits");
        told.recv_timeout(PATIENCE).expect("the next one");
    }
    // There is room for one, and not so much that the listener is told.
    sessions[1].say("work-block");
    hall.await_activity(registry::Activity::Queued, 5);
    for _ in 0..4 {
        go.send_timeout((), PATIENCE).expect("a handler waits");
        told.recv_timeout(PATIENCE).expect("the next one");
    }
    go.send_timeout((), PATIENCE).expect("a handler waits");
    // It keeps the only worker. Those that wait in the kernel come in.
    hall.await_entered();
    hall.await_activity(registry::Activity::Queued, 3);
    hall.open_gate();
    assert_eq!(sessions[1].hear(), "passed");
    drop(go);
    for visitor in &visitors {
        await_end(visitor);
    }
}
