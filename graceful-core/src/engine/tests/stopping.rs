//! Listeners that stop: nobody who got in is lost.

use std::sync::Barrier;

use super::*;

/// What a client saw of a stop.
#[derive(Debug, PartialEq, Eq)]
enum Seen {
    Answered,
    /// Nobody was listening any more: an honest answer.
    Refused,
    /// The handshake was complete, and then nothing came of it.
    Lost(io::ErrorKind),
}

fn visit(address: SocketAddr) -> Seen {
    let stream = match TcpStream::connect_timeout(&address, PATIENCE) {
        Ok(stream) => stream,
        Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => return Seen::Refused,
        Err(error) => return Seen::Lost(error.kind()),
    };
    stream.set_read_timeout(Some(PATIENCE)).expect("not zero");
    match ask_tcp(&stream) {
        Ok(answer) if answer == b"hello" => Seen::Answered,
        Ok(_) => Seen::Lost(io::ErrorKind::UnexpectedEof),
        Err(error) => Seen::Lost(error.kind()),
    }
}

/// Clients connect while the listener stops, and each is either served or turned away. Returns how many were served.
fn stop_amid(clients: usize) -> usize {
    let bench = Bench::new(Limits { workers: 8, ..Limits::default() });
    let address = bench.listen(echo);
    let start = Barrier::new(clients + 1);
    let seen: Vec<Seen> = thread::scope(|scope| {
        let visitors: Vec<_> = (0..clients)
            .map(|_| {
                let visit = || {
                    start.wait();
                    visit(address)
                };
                thread::Builder::new().stack_size(64 << 10).spawn_scoped(scope, visit).expect("a thread")
            })
            .collect();
        start.wait();
        // In the middle of them.
        assert_eq!(visit(address), Seen::Answered);
        bench.drain();
        visitors.into_iter().map(|visitor| visitor.join().expect("no panic")).collect()
    });
    bench.await_stopped();
    bench.await_drained();
    let answered = seen.iter().filter(|seen| **seen == Seen::Answered).count();
    let refused = seen.iter().filter(|seen| **seen == Seen::Refused).count();
    assert_eq!(answered + refused, clients, "{seen:?}");
    let counts = bench.counts();
    assert_eq!((counts.accepted, counts.completed), (answered as u64 + 1, answered as u64 + 1));
    answered
}

/// Often enough that closing a listener without waiting for handshakes under way is noticed.
#[test]
fn nobody_who_got_in_is_reset() {
    for _ in 0..20 {
        stop_amid(200);
    }
}

/// Fills the backlog behind a busy worker, stops, and sees everybody answered.
fn stop_with_a_backlog(workers: usize) {
    let bench = Bench::new(Limits { workers, queue: 1, ..Limits::default() });
    let (open, gate) = gate();
    let address = bench.listen(move |connection| {
        pass(&gate);
        echo(connection)
    });
    let clients: Vec<TcpStream> = (0..50).map(|_| connect(address)).collect();
    bench.drain();
    // Although all workers are busy and their queue is full.
    bench.await_stopped();
    assert_eq!(bench.counts().accepted, 50);
    assert_eq!(
        TcpStream::connect(address).map(drop).map_err(|error| error.kind()),
        Err(io::ErrorKind::ConnectionRefused)
    );
    drop(open);
    for client in &clients {
        assert_eq!(ask_tcp(client).expect("answered"), b"hello");
    }
    bench.await_drained();
    assert_eq!(bench.counts(), ConnectionCounts { accepted: 50, completed: 50, ..Default::default() });
}

#[test]
fn a_backlog_of_fifty_is_answered() {
    stop_with_a_backlog(1);
    stop_with_a_backlog(8);
}

/// The kernel repeats its answer after a second, so this takes that long.
#[cfg(target_os = "linux")]
#[test]
fn a_handshake_under_way_is_completed() {
    use std::os::fd::AsFd as _;

    use crate::sys;

    let bench = Bench::new(Limits::default());
    let address = bench.listen(echo);
    // Whichever descriptor: only whether there is an answer matters here.
    if sys::handshake_under_way(io::stdin().as_fd(), address).is_err() {
        println!("not tested: the kernel cannot be asked");
        return;
    }
    let client = sys::connect_deaf(address);
    bench.drain();
    // From some moment on new clients get no answer, although the listener is still there.
    let mut others = 0;
    let turned_away = loop {
        match TcpStream::connect_timeout(&address, Duration::from_millis(100)) {
            Ok(other) => assert_eq!(ask_tcp(&other).expect("answered"), b"hello"),
            Err(error) => break error,
        }
        others += 1;
    };
    assert_eq!(turned_away.kind(), io::ErrorKind::TimedOut);
    assert!(bench.stopped.is_empty());
    sys::allow_new_handshakes(client.as_fd());
    bench.await_stopped();
    client.set_nonblocking(false).expect("open");
    assert_eq!(ask_tcp(&client).expect("answered"), b"hello");
    bench.await_drained();
    assert_eq!(bench.counts().completed, others + 1);
}

#[test]
fn stopping_is_told_once() {
    let bench = Bench::new(Limits::default());
    bench.engine.stop_listeners();
    bench.await_stopped();
    bench.engine.stop_listeners();
    bench.cut();
    bench.engine.finish();
    assert!(bench.stopped.is_empty());

    let bench = Bench::new(Limits::default());
    let (one, two) = (bench.listen(echo), bench.listen(echo));
    assert_eq!(bench.engine.listeners(), [LocalAddress::from(one), LocalAddress::from(two)]);
    bench.drain();
    bench.await_stopped();
    bench.await_drained();
    assert_eq!(bench.engine.listeners(), []);
    bench.engine.stop_listeners();
    bench.cut();
    bench.engine.finish();
    assert!(bench.stopped.is_empty());
}

#[test]
fn the_drain_ends_after_the_listeners_stopped() {
    let bench = Bench::new(Limits::default());
    bench.listen(echo);
    bench.drain();
    bench.await_drained();
    assert_eq!(bench.stopped.try_recv(), Ok(EngineEvent::ListenersStopped));
}

#[test]
fn nothing_new_listens_once_the_drain_began() {
    let bench = Bench::new(Limits::default());
    bench.drain();
    let late = bench.engine.listen(bench.home.clone().into(), Arc::new(echo));
    assert!(matches!(late, Err(StartError::Stopping)), "{late:?}");
}

#[test]
fn a_bad_address_is_an_error_at_once() {
    let bench = Bench::new(Limits::default());
    let taken = TcpListener::bind("127.0.0.1:0").expect("free");
    let check = |address: Address, expected: io::ErrorKind| {
        let text = address.to_string();
        match bench.engine.listen(address, Arc::new(echo)) {
            Err(StartError::Bind { address, source }) => assert_eq!((address, source.kind()), (text, expected)),
            other => panic!("{text}: {other:?}"),
        }
    };
    check("nonsense".into(), io::ErrorKind::InvalidInput);
    check(taken.local_addr().expect("bound").into(), io::ErrorKind::AddrInUse);
    // No thread was started for these.
    assert!(bench.engine.core.first().is_none());
}

#[test]
fn nothing_of_the_engine_is_left() {
    let bench = Bench::new(Limits::default());
    let address = bench.listen(echo);
    for _ in 0..10 {
        ask_tcp(&connect(address)).expect("answered");
    }
    bench.drain();
    bench.await_drained();
    let core = Arc::downgrade(&bench.engine.core);
    drop(bench.engine);
    // Every thread and connection of it holds one.
    assert_eq!(core.strong_count(), 0);
}

#[test]
fn an_engine_that_is_dropped_stops() {
    let bench = Bench::new(Limits::default());
    let address = bench.listen(echo);
    drop(bench.engine);
    assert_eq!(bench.stopped.try_recv(), Ok(EngineEvent::ListenersStopped));
    let error = TcpStream::connect(address).expect_err("stopped");
    assert_eq!(error.kind(), io::ErrorKind::ConnectionRefused);
}
