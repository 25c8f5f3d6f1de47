//! `wait_readable`, and what counts as idle.

use super::*;

/// A connection that is kept in the test's hands.
fn adopted(bench: &Bench) -> (Connection, TcpStream) {
    let (ours, theirs) = tcp_pair();
    (bench.engine.adopt(ours).expect("open"), theirs)
}

#[test]
fn bytes_and_the_end_of_them_are_ready() {
    let bench = Bench::new(Limits::default());
    let (connection, mut client) = adopted(&bench);
    client.write_all(b"x").expect("open");
    assert_eq!(connection.wait_readable(None).expect("waited"), Readable::Ready);
    (&connection).read_exact(&mut [0]).expect("a byte");
    assert_eq!(connection.wait_readable(Some(Duration::from_millis(1))).expect("waited"), Readable::TimedOut);
    assert_eq!(connection.wait_readable(Some(Duration::ZERO)).expect("waited"), Readable::TimedOut);
    drop(client);
    assert_eq!(connection.wait_readable(Some(Duration::MAX)).expect("waited"), Readable::Ready);
    assert_eq!((&connection).read(&mut [0]).expect("the end"), 0);
    drop(connection);
    assert_eq!(bench.counts().completed, 1);
}

#[test]
fn the_drain_ends_the_wait() {
    let bench = Bench::new(Limits::default());
    let (connection, _client) = adopted(&bench);
    thread::scope(|scope| {
        let waiter = scope.spawn(|| connection.wait_readable(None));
        while bench.engine.open().listed[0].activity != registry::Activity::Idle {
            thread::yield_now();
        }
        bench.stops.raise(Stage::Requested, None);
        bench.stops.raise(Stage::Draining, None);
        assert_eq!(waiter.join().expect("no panic").expect("waited"), Readable::Stopping);
    });
    drop(connection);
    assert_eq!(bench.counts().closed_idle, 1);
}

#[test]
fn what_has_arrived_goes_before_the_drain() {
    let bench = Bench::new(Limits::default());
    let (connection, mut client) = adopted(&bench);
    client.write_all(b"x").expect("open");
    bench.stops.raise(Stage::Draining, None);
    assert_eq!(connection.wait_readable(None).expect("waited"), Readable::Ready);
    // It is answered, and the handler leaves by itself.
    drop(connection);
    assert_eq!(bench.counts().completed, 1);
}

#[test]
fn a_late_request_has_one_last_chance() {
    let bench = Bench::new(Limits::default());
    let (connection, mut client) = adopted(&bench);
    let wait = |timeout| connection.wait_readable(timeout).expect("waited");
    bench.stops.raise(Stage::Draining, None);
    assert_eq!(wait(None), Readable::Stopping);
    assert_eq!(wait(Some(Duration::from_millis(1))), Readable::TimedOut);
    client.write_all(b"x").expect("open");
    assert_eq!(wait(Some(PATIENCE)), Readable::Ready);
    (&connection).read_exact(&mut [0]).expect("a byte");
    // Busy again, so the drain is news again.
    assert_eq!(wait(Some(PATIENCE)), Readable::Stopping);
    bench.stops.raise(Stage::Cancelling, None);
    assert_eq!(wait(Some(PATIENCE)), Readable::Stopping);
    drop(connection);
    assert_eq!(bench.counts().closed_idle, 1);
}

#[test]
fn a_connection_that_times_out_while_nothing_stops_is_completed() {
    let bench = Bench::new(Limits::default());
    let (connection, _client) = adopted(&bench);
    assert_eq!(connection.wait_readable(Some(Duration::from_millis(1))).expect("waited"), Readable::TimedOut);
    drop(connection);
    assert_eq!(bench.counts().completed, 1);
}

#[test]
fn keep_alive_clients_are_served_until_the_drain() {
    let bench = Bench::new(Limits::default());
    let address = bench.listen(|connection| -> Result<(), BoxError> {
        while connection.wait_readable(None)? == Readable::Ready {
            let mut byte = [0];
            if (&connection).read(&mut byte)? == 0 {
                break;
            }
            (&connection).write_all(&byte)?;
        }
        Ok(())
    });
    let clients: Vec<TcpStream> = (0..10).map(|_| connect(address)).collect();
    for mut client in &clients {
        client.write_all(b"x").expect("open");
        client.read_exact(&mut [0]).expect("answered");
    }
    bench.drain();
    bench.await_drained();
    for client in &clients {
        await_end(client);
    }
    assert_eq!(bench.counts(), ConnectionCounts { accepted: 10, closed_idle: 10, ..Default::default() });
}

#[test]
fn a_cut_ends_the_wait() {
    let bench = Bench::new(Limits::default());
    let (connection, _client) = adopted(&bench);
    assert_eq!(bench.engine.cut(), 1);
    assert_eq!(connection.wait_readable(None).expect("waited"), Readable::Ready);
    assert_eq!((&connection).read(&mut [0]).expect("the end"), 0);
    drop(connection);
    assert_eq!(bench.counts(), ConnectionCounts { accepted: 1, cut: 1, ..Default::default() });
}

#[test]
fn timeouts_and_tokens_reach_the_socket() {
    let bench = Bench::new(Limits::default());
    let (connection, client) = adopted(&bench);
    connection.set_read_timeout(Some(Duration::from_millis(1))).expect("not zero");
    connection.set_write_timeout(Some(Duration::from_millis(1))).expect("not zero");
    let error = (&connection).read(&mut [0]).expect_err("nothing to read");
    assert!(matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut));
    assert!(connection.as_tcp().is_some());
    assert_eq!(connection.id(), 1);
    assert!(!connection.stop().is_stopping());
    bench.stops.raise(Stage::Draining, None);
    assert!(connection.stop().is_stopping() && !connection.stop().is_cancelled());
    assert!(bench.token(Stage::Draining).is_stopping());
    connection.shutdown(Shutdown::Write).expect("connected");
    await_end(&client);
}
