//! Workers: as few as will do, and back-pressure when they are all busy.

use std::collections::HashSet;

use super::*;

#[test]
fn a_full_queue_pauses_accept_and_room_resumes_it() {
    let bench = Bench::new(Limits { workers: 1, queue: 2, ..Limits::default() });
    let (open, gate) = gate();
    let address = bench.listen(move |connection| {
        pass(&gate);
        echo(connection)
    });
    let clients: Vec<TcpStream> = (0..10).map(|_| connect(address)).collect();
    while !bench.engine.core.pool.holds_accept_up() {
        thread::yield_now();
    }
    // One in the handler, two in the queue, the others in the kernel.
    assert_eq!(bench.counts().accepted, 3);
    drop(open);
    for client in &clients {
        assert_eq!(ask_tcp(client).expect("answered"), b"hello");
    }
    assert_eq!(bench.counts(), ConnectionCounts { accepted: 10, completed: 10, ..Default::default() });
}

#[test]
fn an_idle_worker_is_used_before_another_is_started() {
    let bench = Bench::new(Limits::default());
    let (tell, threads) = crossbeam_channel::unbounded();
    let address = bench.listen(move |connection| {
        drop(tell.send((thread::current().id(), thread::current().name().map(str::to_owned))));
        echo(connection)
    });
    for _ in 0..20 {
        ask_tcp(&connect(address)).expect("answered");
        bench.engine.core.pool.await_idle(PATIENCE);
    }
    let used: HashSet<_> = threads.try_iter().collect();
    assert_eq!(used.len(), 1);
    assert!(used.iter().all(|(_, name)| name.as_deref() == Some("gf-work-1")));
}

#[test]
fn idle_workers_leave() {
    let bench = Bench::new(Limits { idle: Duration::from_millis(1), ..Limits::default() });
    let address = bench.listen(echo);
    let clients: Vec<TcpStream> = (0..8).map(|_| connect(address)).collect();
    for client in &clients {
        ask_tcp(client).expect("answered");
    }
    bench.engine.core.pool.await_empty(PATIENCE);
    // And others come when they are needed.
    ask_tcp(&connect(address)).expect("answered");
}

#[test]
fn a_panic_does_not_cost_a_worker() {
    let bench = Bench::new(Limits { workers: 1, ..Limits::default() });
    let address = bench.listen(|connection| {
        let mut byte = [0];
        (&connection).read_exact(&mut byte).expect("a byte");
        match byte[0] {
            // A value whose destructor panics in turn.
            b'1' => std::panic::panic_any(Bomb),
            b'2' => Err(BoxError::from(Bomb)),
            _ => Ok(()),
        }
    });
    for byte in b"1212x" {
        let mut client = connect(address);
        client.write_all(&[*byte]).expect("connected");
        await_end(&client);
    }
    let counts = bench.counts();
    assert_eq!((counts.failed, counts.completed), (2, 3));
    bench.drain();
    bench.await_drained();
}

/// Panics whatever is done with it.
#[derive(Debug)]
struct Bomb;

impl std::fmt::Display for Bomb {
    fn fmt(&self, _: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        panic!("shown")
    }
}

impl std::error::Error for Bomb {}

impl Drop for Bomb {
    fn drop(&mut self) {
        if !thread::panicking() {
            panic!("dropped");
        }
    }
}

#[test]
fn a_small_stack_is_used() {
    let bench = Bench::new(Limits { stack: Some(128 << 10), ..Limits::default() });
    let address = bench.listen(echo);
    assert_eq!(ask_tcp(&connect(address)).expect("answered"), b"hello");
}
