//! The conservation law, and the deadline.

use proptest::prelude::*;

use super::*;

/// How a connection of the mix goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    Answers,
    Fails,
    HandsOver,
    Idles,
    Panics,
    /// Reads what never comes.
    Reads,
    /// Is taken over from a foreign loop and held.
    Adopted,
}

fn way() -> impl Strategy<Value = Way> {
    use Way::{Adopted, Answers, Fails, HandsOver, Idles, Panics, Reads};
    prop::sample::select(vec![Adopted, Answers, Fails, HandsOver, Idles, Panics, Reads])
}

/// Goes the way that the client asks for with the first byte.
fn go(connection: Connection) -> Result<(), BoxError> {
    let mut byte = [0];
    (&connection).read_exact(&mut byte)?;
    match byte[0] {
        b'a' => (&connection).write_all(b"a").map_err(Into::into),
        b'f' => Err("no luck".into()),
        b'h' => connection.hand_over().map(drop).map_err(Into::into),
        b'i' => {
            assert_eq!(connection.wait_readable(None)?, Readable::Stopping);
            Ok(())
        }
        b'p' => panic!("as it was told"),
        _ => (&connection).read_exact(&mut byte).map_err(Into::into),
    }
}

fn byte(way: Way) -> u8 {
    match way {
        Way::Answers => b'a',
        Way::Fails => b'f',
        Way::HandsOver => b'h',
        Way::Idles => b'i',
        Way::Panics => b'p',
        Way::Adopted | Way::Reads => b'r',
    }
}

fn check_mix(ways: &[Way], workers: usize) {
    // No fewer than those that stay, or the others would wait for them.
    let staying = ways.iter().filter(|way| matches!(way, Way::Idles | Way::Reads)).count();
    let bench = Bench::new(Limits { workers: workers + staying, queue: 2, ..Limits::default() });
    let address = bench.listen(go);
    let mut clients = Vec::new();
    let mut adopted = Vec::new();
    for way in ways {
        if *way == Way::Adopted {
            let (ours, theirs) = tcp_pair();
            adopted.push(bench.engine.adopt(ours).expect("open"));
            clients.push((*way, theirs));
        } else {
            let mut client = connect(address);
            client.write_all(&[byte(*way)]).expect("connected");
            clients.push((*way, client));
        }
        bench.counts();
    }
    let of = |wanted: Way| ways.iter().filter(|way| **way == wanted).count() as u64;
    for (way, client) in &clients {
        if matches!(way, Way::Answers | Way::Fails | Way::HandsOver | Way::Panics) {
            await_end(client);
            bench.counts();
        }
    }
    bench.drain();
    bench.await_stopped();
    for (_, client) in clients.iter().filter(|(way, _)| *way == Way::Idles) {
        await_end(client);
        bench.counts();
    }
    let left = of(Way::Reads) + of(Way::Adopted);
    assert_eq!(bench.counts().still_open, left);
    assert_eq!(bench.cut(), left);
    let expected = ConnectionCounts {
        accepted: ways.len() as u64,
        completed: of(Way::Answers) + of(Way::Fails),
        failed: of(Way::Panics),
        closed_idle: of(Way::Idles),
        cut: left,
        handed_over: of(Way::HandsOver),
        ..Default::default()
    };
    assert_eq!(bench.counts(), expected);
    // Those that were cut come back, which changes nothing any more.
    for (_, client) in clients.iter().filter(|(way, _)| *way == Way::Reads) {
        await_end(client);
    }
    drop(adopted);
    bench.engine.finish();
    assert_eq!(bench.counts(), expected);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    #[test]
    fn every_connection_is_counted_once(ways in prop::collection::vec(way(), 0..24), workers in 1_usize..6) {
        check_mix(&ways, workers);
    }
}

#[test]
fn the_books_balance_at_any_instant() {
    let bench = Bench::new(Limits { workers: 16, ..Limits::default() });
    let address = bench.listen(go);
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                for way in b"afhpafhpafhpafhpafhp" {
                    let mut client = connect(address);
                    client.write_all(&[*way]).expect("connected");
                    await_end(&client);
                }
            });
        }
        while bench.counts().accepted < 80 {
            thread::yield_now();
        }
    });
    let counts = bench.counts();
    assert_eq!((counts.completed, counts.failed, counts.handed_over), (40, 20, 20));
}

#[test]
fn the_deadline_brings_readers_back_and_leaves_the_stuck() {
    let bench = Bench::new(Limits::default());
    let (open, gate) = gate();
    let (tell, told) = crossbeam_channel::unbounded();
    let tell_stuck = tell.clone();
    let reads = bench.listen(move |connection| {
        tell.send("reading").expect("heard");
        let end = (&connection).read(&mut [0]);
        assert_eq!(end.expect("shut down"), 0);
        tell.send("back").expect("heard");
    });
    let stuck = bench.listen(move |connection| {
        tell_stuck.send("stuck").expect("heard");
        pass(&gate);
        assert!(connection.stop().is_cancelled());
    });
    let (reader, hanger) = (connect(reads), connect(stuck));
    let mut heard = [told.recv_timeout(PATIENCE), told.recv_timeout(PATIENCE)];
    heard.sort_unstable_by_key(|one| one.ok());
    assert_eq!(heard, [Ok("reading"), Ok("stuck")]);
    let open_before = bench.engine.open();
    assert_eq!(open_before.total, 2);
    assert!(
        open_before.listed.iter().all(|one| one.thread.is_some_and(|thread| thread > 0 || !cfg!(target_os = "linux")))
    );

    bench.drain();
    bench.await_stopped();
    assert_eq!(bench.cut(), 2);
    assert_eq!(told.recv_timeout(PATIENCE), Ok("back"));
    // The client of the stuck handler sees its connection end all the same.
    await_end(&reader);
    await_end(&hanger);
    bench.engine.finish();
    let left = bench.engine.open();
    assert_eq!((left.total, left.listed.len()), (1, 1));
    assert_eq!(left.listed[0].peer, Some(hanger.local_addr().expect("bound").into()));
    assert!(left.listed[0].thread.is_some());
    let counts = ConnectionCounts { accepted: 2, cut: 2, ..Default::default() };
    assert_eq!(bench.counts(), counts);

    // It comes back after all: nothing is counted twice, and its thread ends.
    let core = Arc::downgrade(&bench.engine.core);
    drop(open);
    while bench.engine.open().total > 0 {
        thread::yield_now();
    }
    assert_eq!(bench.counts(), counts);
    drop(bench);
    while core.strong_count() > 0 {
        thread::yield_now();
    }
}

#[test]
fn what_waits_for_a_worker_is_cut_too() {
    let bench = Bench::new(Limits { workers: 1, queue: 1, ..Limits::default() });
    let (_open, gate) = gate();
    let (tell, told) = crossbeam_channel::unbounded();
    let address = bench.listen(move |_connection| {
        tell.send(()).expect("heard");
        pass(&gate);
    });
    let clients: Vec<TcpStream> = (0..5).map(|_| connect(address)).collect();
    told.recv_timeout(PATIENCE).expect("begun");
    bench.drain();
    bench.await_stopped();
    assert_eq!(bench.counts().still_open, 5);
    let open: Vec<_> = bench.engine.open().listed.iter().map(|one| one.activity).collect();
    assert_eq!(open[1..], [registry::Activity::Queued; 4]);
    assert_eq!(bench.cut(), 5);
    for client in &clients {
        await_end(client);
    }
    // All but the one that is in the handler.
    assert_eq!(bench.engine.open().total, 1);
}

#[test]
fn what_the_kernel_still_holds_at_the_deadline_is_refused() {
    let bench = Bench::new(Limits { workers: 1, queue: 1, ..Limits::default() });
    let (_open, gate) = gate();
    let address = bench.listen(move |_connection| pass(&gate));
    let clients: Vec<TcpStream> = (0..10).map(|_| connect(address)).collect();
    while !bench.engine.core.pool.holds_accept_up() {
        thread::yield_now();
    }
    assert_eq!(bench.engine.cut(), 2);
    bench.await_stopped();
    for client in &clients {
        await_end(client);
    }
    assert_eq!(bench.counts(), ConnectionCounts { accepted: 10, cut: 2, refused: 8, ..Default::default() });
}

#[test]
fn what_waits_at_the_very_end_is_refused() {
    let bench = Bench::new(Limits { workers: 1, queue: 1, ..Limits::default() });
    let (open, gate) = gate();
    let (tell, told) = crossbeam_channel::unbounded();
    let address = bench.listen(move |_connection| {
        tell.send(()).expect("heard");
        pass(&gate);
    });
    let clients: Vec<TcpStream> = (0..5).map(|_| connect(address)).collect();
    told.recv_timeout(PATIENCE).expect("begun");
    bench.engine.finish();
    assert_eq!(bench.counts(), ConnectionCounts { accepted: 5, refused: 4, still_open: 1, ..Default::default() });
    drop(open);
    for client in &clients {
        await_end(client);
    }
    assert_eq!(bench.counts(), ConnectionCounts { accepted: 5, refused: 4, completed: 1, ..Default::default() });
}

#[test]
fn a_handler_holds_the_drain_open_beyond_its_connection() {
    let bench = Bench::new(Limits::default());
    let (open, gate) = gate();
    let address = bench.listen(move |connection| {
        drop(connection);
        pass(&gate);
    });
    let client = connect(address);
    await_end(&client);
    assert_eq!(bench.counts().completed, 1);
    bench.drain();
    bench.await_stopped();
    assert!(bench.empty.is_empty());
    let left = bench.engine.open();
    assert_eq!((left.total, left.listed[0].id, left.listed[0].peer.clone()), (1, 1, None));
    drop(open);
    bench.await_drained();
}

#[test]
fn a_connection_holds_the_drain_open_beyond_its_handler() {
    let bench = Bench::new(Limits::default());
    let (give, given) = crossbeam_channel::unbounded();
    let address = bench.listen(move |connection| drop(give.send(connection)));
    let client = connect(address);
    let connection = given.recv_timeout(PATIENCE).expect("given");
    bench.drain();
    bench.await_stopped();
    assert!(bench.empty.is_empty());
    assert_eq!(bench.counts().still_open, 1);
    drop(connection);
    await_end(&client);
    bench.await_drained();
    assert_eq!(bench.counts().completed, 1);
}

#[test]
fn a_foreign_loop_takes_part() {
    let bench = Bench::new(Limits::default());
    let (ours, theirs) = tcp_pair();
    let connection = bench.engine.adopt(ours).expect("open");
    assert_eq!(connection.peer().tcp(), theirs.local_addr().ok());
    assert_eq!(connection.local().expect("bound").tcp(), theirs.peer_addr().ok());
    bench.drain();
    bench.await_stopped();
    // Still possible: this one holds the drain open.
    let (more, _peer) = tcp_pair();
    drop(bench.engine.adopt(more).expect("open"));
    assert!(bench.empty.is_empty());
    drop(connection);
    bench.await_drained();
    let (late, late_peer) = tcp_pair();
    assert_eq!(bench.engine.adopt(late).map(drop), Err(DrainClosed));
    await_end(&late_peer);
    assert_eq!(bench.counts(), ConnectionCounts { accepted: 2, completed: 2, ..Default::default() });
}

#[test]
fn a_connection_that_was_handed_over_lives_on() {
    let bench = Bench::new(Limits::default());
    let (ours, mut theirs) = tcp_pair();
    let connection = bench.engine.adopt(ours).expect("open");
    let Stream::Tcp(mut stream) = connection.hand_over().expect("not cut") else { panic!("it is TCP") };
    bench.drain();
    bench.await_drained();
    assert_eq!(bench.cut(), 0);
    stream.write_all(b"x").expect("open");
    theirs.read_exact(&mut [0]).expect("open");
    assert_eq!(bench.counts().handed_over, 1);

    let bench = Bench::new(Limits::default());
    let (ours, _theirs) = tcp_pair();
    let connection = bench.engine.adopt(ours).expect("open");
    assert_eq!(bench.cut(), 1);
    assert_eq!(connection.hand_over().map(drop).map_err(|error| error.kind()), Err(io::ErrorKind::ConnectionAborted));
    assert_eq!(bench.counts(), ConnectionCounts { accepted: 1, cut: 1, ..Default::default() });
}

#[test]
fn the_list_of_what_is_open_is_short() {
    let bench = Bench::new(Limits::default());
    let pairs: Vec<_> = (0..40).map(|_| tcp_pair()).collect();
    let (ours, _theirs): (Vec<_>, Vec<_>) = pairs.into_iter().unzip();
    let held: Vec<_> = ours.into_iter().map(|ours| bench.engine.adopt(ours).expect("open")).collect();
    let open = bench.engine.open();
    assert_eq!((open.total, open.listed.len()), (40, 16));
    assert!(open.listed.iter().map(|one| one.id).eq(1..=16));
    drop(held);
    assert_eq!(bench.engine.open().total, 0);
}
