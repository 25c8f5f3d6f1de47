//! Unix sockets, inherited descriptors and listeners that somebody else holds too.

use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;

use super::*;
use crate::sys;

fn ask_unix(stream: &UnixStream) -> io::Result<Vec<u8>> {
    stream.set_read_timeout(Some(PATIENCE))?;
    ask(stream, || drop(stream.shutdown(Shutdown::Write)))
}

fn connect_unix(path: &Path) -> UnixStream {
    UnixStream::connect(path).expect("listening")
}

/// A listener with a gate before its handler, that fifty clients wait at when it stops. Returns them.
fn fifty<S>(bench: &Bench, address: Address, connect: impl Fn() -> S) -> Vec<S> {
    let (open, gate) = gate();
    let handler: Arc<Handler> = Arc::new(move |connection| {
        pass(&gate);
        echo(connection)
    });
    bench.engine.listen(address, handler).expect("bound");
    let clients = (0..50).map(|_| connect()).collect();
    bench.drain();
    bench.await_stopped();
    drop(open);
    clients
}

#[test]
fn a_unix_listener_loses_nobody_and_its_file_goes() {
    let directory = tempfile::tempdir().expect("writable");
    let path = directory.path().join("s");
    let bench = Bench::new(Limits { workers: 4, queue: 1, ..Limits::default() });
    let address = format!("unix:{}", path.display());
    let clients = fifty(&bench, (&address).into(), || connect_unix(&path));
    assert_eq!(UnixStream::connect(&path).map(drop).map_err(|error| error.kind()), Err(io::ErrorKind::NotFound));
    for client in &clients {
        assert_eq!(ask_unix(client).expect("answered"), b"hello");
    }
    bench.await_drained();
    assert_eq!(bench.counts(), ConnectionCounts { accepted: 50, completed: 50, ..Default::default() });
}

#[test]
fn unix_clients_are_answered_or_refused_while_it_stops() {
    let directory = tempfile::tempdir().expect("writable");
    let path = directory.path().join("s");
    let bench = Bench::new(Limits { workers: 4, ..Limits::default() });
    let local = bench.engine.listen(format!("unix:{}", path.display()).into(), Arc::new(echo)).expect("bound");
    assert_eq!(local.path(), Some(path.as_path()));
    thread::scope(|scope| {
        let visitors: Vec<_> = (0..4)
            .map(|_| {
                scope.spawn(|| {
                    let mut answered = 0_u64;
                    loop {
                        match UnixStream::connect(&path) {
                            Ok(stream) => assert_eq!(ask_unix(&stream).expect("not reset"), b"hello"),
                            Err(_) => return answered,
                        }
                        answered += 1;
                    }
                })
            })
            .collect();
        while bench.counts().completed < 100 {
            thread::yield_now();
        }
        bench.drain();
        let answered: u64 = visitors.into_iter().map(|visitor| visitor.join().expect("no panic")).sum();
        bench.await_drained();
        assert_eq!(bench.counts().completed, answered);
    });
}

#[test]
fn unix_connections_are_cut() {
    let directory = tempfile::tempdir().expect("writable");
    let path = directory.path().join("s");
    let bench = Bench::new(Limits::default());
    bench.engine.listen(format!("unix:{}", path.display()).into(), Arc::new(echo)).expect("bound");
    let mut client = connect_unix(&path);
    client.write_all(b"x").expect("open");
    client.read_exact(&mut [0]).expect("echoed");
    bench.drain();
    bench.await_stopped();
    assert_eq!(bench.cut(), 1);
    assert_eq!(client.read(&mut [0]).expect("the end"), 0);
}

#[cfg(target_os = "linux")]
#[test]
fn abstract_sockets_work() {
    use std::os::linux::net::SocketAddrExt as _;

    let name = format!("graceful-{}", std::process::id());
    let bench = Bench::new(Limits::default());
    let local = bench.engine.listen(format!("unix:@{name}").into(), Arc::new(echo)).expect("bound");
    assert_eq!(local.to_string(), format!("unix:@{name}"));
    let address = std::os::unix::net::SocketAddr::from_abstract_name(&name).expect("short");
    assert_eq!(ask_unix(&UnixStream::connect_addr(&address).expect("listening")).expect("answered"), b"hello");
    bench.drain();
    bench.await_drained();
    let error = UnixStream::connect_addr(&address).expect_err("stopped");
    assert_eq!(error.kind(), io::ErrorKind::ConnectionRefused);
}

#[test]
fn a_listener_made_by_the_user_is_taken() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("free");
    let address = listener.local_addr().expect("bound");
    let bench = Bench::new(Limits { workers: 4, queue: 1, ..Limits::default() });
    let clients = fifty(&bench, listener.into(), || connect(address));
    for client in &clients {
        assert_eq!(ask_tcp(client).expect("answered"), b"hello");
    }
    bench.await_drained();
    let error = TcpStream::connect(address).expect_err("stopped");
    assert_eq!(error.kind(), io::ErrorKind::ConnectionRefused);
}

/// The other holder's side of a shared listener: it is alive, and its next client is answered by it.
fn lives_on(listener: &TcpListener) {
    let address = listener.local_addr().expect("bound");
    // Ours made it non-blocking, for both.
    listener.set_nonblocking(false).expect("open");
    let mut client = connect(address);
    let (mut theirs, _) = listener.accept().expect("a client");
    theirs.write_all(b"x").expect("open");
    client.read_exact(&mut [0]).expect("answered");
}

#[test]
fn an_inherited_listener_is_left_alone() {
    let parent = TcpListener::bind("127.0.0.1:0").expect("free");
    let number = sys::pass_on(parent.try_clone().expect("a descriptor"));
    let bench = Bench::new(Limits::default());
    let local = bench.engine.listen(format!("fd:{number}").into(), Arc::new(echo)).expect("a listener");
    assert_eq!(local.tcp(), parent.local_addr().ok());
    let again = bench.engine.listen(format!("fd:{number}").into(), Arc::new(echo));
    assert!(matches!(again, Err(StartError::Bind { .. })), "{again:?}");
    assert_eq!(ask_tcp(&connect(parent.local_addr().expect("bound"))).expect("answered"), b"hello");
    bench.drain();
    bench.await_drained();
    lives_on(&parent);
}

#[test]
fn an_inherited_unix_listener_keeps_its_file() {
    let directory = tempfile::tempdir().expect("writable");
    let path = directory.path().join("s");
    let parent = UnixListener::bind(&path).expect("free");
    let number = sys::pass_on(parent.try_clone().expect("a descriptor"));
    let bench = Bench::new(Limits::default());
    bench.engine.listen(format!("fd:{number}").into(), Arc::new(echo)).expect("a listener");
    assert_eq!(ask_unix(&connect_unix(&path)).expect("answered"), b"hello");
    bench.drain();
    bench.await_drained();
    let _client = connect_unix(&path);
    parent.accept().expect("a client");
}

#[test]
fn descriptors_that_are_no_listeners_are_refused() {
    let bench = Bench::new(Limits::default());
    let number = sys::pass_on(std::fs::File::open("/dev/null").expect("there"));
    for text in [format!("fd:{number}"), "fd:1000000".to_owned()] {
        match bench.engine.listen((&text).into(), Arc::new(echo)) {
            Err(StartError::Bind { address, .. }) => assert_eq!(address, text),
            other => panic!("{text}: {other:?}"),
        }
    }
}

#[test]
fn small_writes_are_sent_at_once() {
    let bench = Bench::new(Limits::default());
    let (tell, told) = crossbeam_channel::unbounded();
    let address = bench.listen(move |connection| {
        tell.send(connection.as_tcp().map(|socket| socket.nodelay().expect("open"))).expect("heard");
    });
    let _client = connect(address);
    assert_eq!(told.recv_timeout(PATIENCE), Ok(Some(true)));
}
