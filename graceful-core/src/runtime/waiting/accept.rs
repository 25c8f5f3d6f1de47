//! Accepting connections until it is time to stop, and then until none is waiting.

use std::io;
use std::net::{SocketAddr, TcpListener, TcpStream};
#[cfg(unix)]
use std::os::fd::AsFd;
#[cfg(unix)]
use std::os::unix::net::{SocketAddr as UnixSocketAddr, UnixListener, UnixStream};
use std::time::Duration;

use crate::Stop;
#[cfg(unix)]
use crate::sys;

/// How long to wait for others to close something when the process or the machine is out of descriptors or memory.
const EXHAUSTION_PAUSE: Duration = Duration::from_millis(100);

/// What a handshake within a machine needs, either side of which may be off its processor in the middle of it.
#[cfg(unix)]
const SETTLE: Duration = Duration::from_millis(1);

/// A listener that [`Stop::accept`] can wait on: `TcpListener`, and on Unix `UnixListener`.
///
/// Sealed: no other type can implement it.
pub trait Listener: sealed::Accept {}

impl Stop {
    /// Accepts the next connection; `None` when it is time to stop and no connection is waiting any more.
    ///
    /// Closing a listener resets every connection in its queue, although their handshakes are complete and their requests
    /// may have been sent.
    /// So after the token has fired this goes on to return connections until the queue is empty and, on Linux, no handshake is
    /// under way (new ones are turned away meanwhile), and only then `None`.
    /// **Close the listener right after `None`**, and do nothing slow in between: what arrives in that moment is reset.
    /// Should connections arrive faster than they are accepted, `None` comes at the latest when the token is
    /// [cancelled](Stop::is_cancelled).
    ///
    /// Errors of single connections (reset while they waited, for instance) are skipped.
    /// When the process runs out of descriptors or the system out of buffers, the call pauses for 100 ms and tries again:
    /// the connection stays in the queue, and a service that has too many of them must not end for it.
    ///
    /// # Errors
    /// What is wrong with the listener itself, as a socket that does not listen.
    ///
    /// # Blocking
    /// Until a connection comes or the token fires.
    /// The stream that is returned is in blocking mode.
    ///
    /// # Platform
    /// The listener is switched to non-blocking mode and **stays non-blocking**.
    /// The mode belongs to the socket, not to this handle of it: other threads, and other processes that have inherited the
    /// socket, share it.
    /// Restoring it could make one of those block for ever in `accept`, after another has taken the connection that it was
    /// woken for. `listener.accept()` called directly later on may therefore answer `WouldBlock`.
    ///
    /// On Unix the wait is woken by the connection or the stop; on Windows it looks for both every 25 ms.
    ///
    /// # Examples
    /// ```
    /// # fn serve(_: std::net::TcpStream) {}
    /// fn accept_loop(listener: std::net::TcpListener, stop: &graceful_core::Stop) -> std::io::Result<()> {
    ///     while let Some((stream, _peer)) = stop.accept(&listener)? {
    ///         std::thread::spawn(move || serve(stream));
    ///     }
    ///     drop(listener);
    ///     Ok(())
    /// }
    /// ```
    pub fn accept<L: Listener>(&self, listener: &L) -> io::Result<Option<(L::Stream, L::Addr)>> {
        listener.never_block()?;
        let mut nobody_comes = false;
        loop {
            if self.is_cancelled() {
                listener.let_in();
                return Ok(None);
            }
            // Asked before the queue is: what came before the token fired is then always accepted.
            let stopping = self.is_stopping();
            let error = match listener.accept_now() {
                Ok(accepted) => return Ok(Some(accepted)),
                Err(error) => error,
            };
            match Trouble::of(&error) {
                Trouble::Connection => {}
                Trouble::Exhausted => self.pause(),
                Trouble::Listener => return Err(error),
                Trouble::NoneWaiting if stopping && nobody_comes => {
                    listener.let_in();
                    return Ok(None);
                }
                Trouble::NoneWaiting if stopping => nobody_comes = listener.turn_away(),
                Trouble::NoneWaiting => self.wait_for_connection(listener)?,
            }
        }
    }

    #[cfg(unix)]
    fn wait_for_connection<L: Listener>(&self, listener: &L) -> io::Result<()> {
        let pipe = match self.stops().pipe(self.fires_at()) {
            Ok(pipe) => pipe,
            // The first wait needs two descriptors for the pipe, which is no reason to fail where `accept` would not.
            Err(error) if Trouble::of(&error) == Trouble::Exhausted => {
                self.pause();
                return Ok(());
            }
            Err(error) => return Err(error),
        };
        sys::wait_readable([listener.as_fd(), pipe.as_fd()], None).map(drop)
    }

    #[cfg(not(unix))]
    fn wait_for_connection<L: Listener>(&self, _listener: &L) -> io::Result<()> {
        let _ = self.wait_timeout(Duration::from_millis(25));
        Ok(())
    }

    /// Not ended by the stop: a connection that waits for a descriptor is still to be accepted then, and what frees one are
    /// the connections that end.
    fn pause(&self) {
        if self.is_stopping() {
            std::thread::sleep(EXHAUSTION_PAUSE / 10);
        } else {
            let _ = self.wait_timeout(EXHAUSTION_PAUSE);
        }
    }
}

/// What an error of `accept` is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Trouble {
    /// The connection that would have been returned: the next one may be well.
    Connection,
    /// Descriptors or memory: the connection waits in the queue until there are some.
    Exhausted,
    /// The listener itself, or anything unknown: trying again could spin.
    Listener,
    /// The queue is empty.
    NoneWaiting,
}

impl Trouble {
    fn of(error: &io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::WouldBlock => return Self::NoneWaiting,
            io::ErrorKind::ConnectionAborted
            | io::ErrorKind::ConnectionReset
            | io::ErrorKind::HostUnreachable
            | io::ErrorKind::Interrupted
            | io::ErrorKind::NetworkDown
            | io::ErrorKind::NetworkUnreachable
            | io::ErrorKind::TimedOut => return Self::Connection,
            _ => {}
        }
        match error.raw_os_error() {
            Some(code) if CONNECTION.contains(&code) => Self::Connection,
            Some(code) if EXHAUSTED.contains(&code) => Self::Exhausted,
            _ => Self::Listener,
        }
    }
}

/// Linux hands errors that are pending on the new socket to `accept`, see accept(2); these have no `ErrorKind`.
#[cfg(any(target_os = "linux", target_os = "android"))]
const CONNECTION: [i32; 4] = [libc::EPROTO, libc::ENOPROTOOPT, libc::EHOSTDOWN, libc::ENONET];
#[cfg(all(unix, not(any(target_os = "linux", target_os = "android"))))]
const CONNECTION: [i32; 1] = [libc::EPROTO];
#[cfg(windows)]
const CONNECTION: [i32; 0] = [];

#[cfg(unix)]
const EXHAUSTED: [i32; 4] = [libc::EMFILE, libc::ENFILE, libc::ENOBUFS, libc::ENOMEM];
/// `WSAEMFILE` and `WSAENOBUFS`.
#[cfg(windows)]
const EXHAUSTED: [i32; 2] = [10024, 10055];

impl Listener for TcpListener {}

#[cfg(unix)]
impl Listener for UnixListener {}

mod sealed {
    use super::io;

    #[cfg(unix)]
    pub trait Waitable: super::AsFd {}
    #[cfg(unix)]
    impl<T: super::AsFd> Waitable for T {}
    #[cfg(not(unix))]
    pub trait Waitable {}
    #[cfg(not(unix))]
    impl<T> Waitable for T {}

    pub trait Accept: Waitable {
        /// A connection.
        type Stream;
        /// Where it comes from.
        type Addr;

        /// Switches to non-blocking mode.
        fn never_block(&self) -> io::Result<()>;

        /// Accepts the first connection of the queue, if there is one.
        fn accept_now(&self) -> io::Result<(Self::Stream, Self::Addr)>;

        /// Turns new clients away, and tells whether none is on its way any more.
        fn turn_away(&self) -> bool {
            true
        }

        /// Undoes [`turn_away`](Accept::turn_away): another process may hold the socket too.
        fn let_in(&self) {}
    }
}

impl sealed::Accept for TcpListener {
    type Stream = TcpStream;
    type Addr = SocketAddr;

    fn never_block(&self) -> io::Result<()> {
        self.set_nonblocking(true)
    }

    fn accept_now(&self) -> io::Result<(TcpStream, SocketAddr)> {
        let (stream, peer) = self.accept()?;
        // Linux gives a new socket its own mode, others that of the listener.
        #[cfg(not(any(target_os = "linux", target_os = "android")))]
        stream.set_nonblocking(false)?;
        Ok((stream, peer))
    }

    #[cfg(unix)]
    fn turn_away(&self) -> bool {
        // Where it cannot be done or asked, what is left is a short wait.
        drop(sys::drop_new_handshakes(self.as_fd()));
        std::thread::sleep(SETTLE);
        let under_way = self.local_addr().and_then(|address| sys::handshake_under_way(self.as_fd(), address));
        !under_way.unwrap_or(false)
    }

    #[cfg(unix)]
    fn let_in(&self) {
        sys::allow_new_handshakes(self.as_fd());
    }
}

#[cfg(unix)]
impl sealed::Accept for UnixListener {
    type Stream = UnixStream;
    type Addr = UnixSocketAddr;

    fn never_block(&self) -> io::Result<()> {
        self.set_nonblocking(true)
    }

    fn accept_now(&self) -> io::Result<(UnixStream, UnixSocketAddr)> {
        let (stream, peer) = self.accept()?;
        #[cfg(not(any(target_os = "linux", target_os = "android")))]
        stream.set_nonblocking(false)?;
        Ok((stream, peer))
    }
}

#[cfg(all(test, unix))]
mod tests {
    use std::cell::RefCell;
    use std::collections::VecDeque;
    use std::os::fd::BorrowedFd;
    use std::sync::Arc;
    use std::thread;

    use super::*;
    use crate::runtime::stop::{Stage, Stops};

    fn token() -> (Arc<Stops>, Stop) {
        let stops = Stops::new();
        let stop = Stop::new(Arc::clone(&stops), Stage::Draining, Stage::Cancelling);
        (stops, stop)
    }

    fn tcp() -> (TcpListener, SocketAddr) {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = listener.local_addr().expect("bound");
        (listener, address)
    }

    #[test]
    fn the_queue_is_emptied_before_none() {
        let (stops, stop) = token();
        let (listener, address) = tcp();
        let clients: Vec<_> = (0..5).map(|_| TcpStream::connect(address).expect("in the queue")).collect();
        stops.raise(Stage::Draining, None);
        for client in &clients {
            let (_stream, peer) = stop.accept(&listener).expect("accept").expect("still in the queue");
            assert_eq!(peer, client.local_addr().expect("connected"));
        }
        assert!(stop.accept(&listener).expect("accept").is_none());
    }

    #[test]
    fn cancelled_is_the_end_whatever_waits() {
        let (stops, stop) = token();
        let (listener, address) = tcp();
        let _client = TcpStream::connect(address).expect("in the queue");
        stops.raise(Stage::Cancelling, None);
        assert!(stop.accept(&listener).expect("accept").is_none());
    }

    #[test]
    fn many_threads_on_one_listener_get_each_connection_once_and_all_return() {
        let (stops, stop) = token();
        let (listener, address) = tcp();
        let (accepted, total) = crossbeam_channel::unbounded();
        thread::scope(|scope| {
            for _ in 0..4 {
                let accepted = accepted.clone();
                let (stop, listener) = (&stop, &listener);
                scope.spawn(move || {
                    while let Some((_stream, peer)) = stop.accept(listener).expect("accept") {
                        accepted.send(peer).expect("receiver lives");
                    }
                });
            }
            let clients: Vec<_> = (0..20).map(|_| TcpStream::connect(address).expect("connect")).collect();
            for _ in &clients {
                total.recv_timeout(Duration::from_secs(10)).expect("each is accepted");
            }
            stops.raise(Stage::Draining, None);
        });
        assert!(total.is_empty());
    }

    #[test]
    fn a_unix_socket_too() {
        let (stops, stop) = token();
        let directory = tempfile::tempdir().expect("tempdir");
        let path = directory.path().join("socket");
        let listener = UnixListener::bind(&path).expect("bind");
        thread::scope(|scope| {
            let waiting = scope.spawn(|| stop.accept(&listener).expect("accept").is_some());
            let _client = UnixStream::connect(&path).expect("connect");
            assert!(waiting.join().expect("no panic"));
            let waiting = scope.spawn(|| stop.accept(&listener).expect("accept").is_some());
            stops.raise(Stage::Draining, None);
            assert!(!waiting.join().expect("no panic"));
        });
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn the_stream_blocks() {
        use std::os::fd::AsRawFd as _;
        let (_stops, stop) = token();
        let (listener, address) = tcp();
        let _client = TcpStream::connect(address).expect("connect");
        let (stream, _) = stop.accept(&listener).expect("accept").expect("in the queue");
        let nonblocking = |fd: BorrowedFd<'_>| {
            let info = std::fs::read_to_string(format!("/proc/self/fdinfo/{}", fd.as_raw_fd())).expect("fdinfo");
            let flags = info.lines().find_map(|line| line.strip_prefix("flags:")).expect("flags");
            i32::from_str_radix(flags.trim(), 8).expect("octal") & libc::O_NONBLOCK != 0
        };
        assert!(nonblocking(listener.as_fd()) && !nonblocking(stream.as_fd()));
    }

    /// A listener that answers from a script and always looks readable.
    struct Script {
        answers: RefCell<VecDeque<i32>>,
        end_of_file: io::PipeReader,
    }

    impl AsFd for Script {
        fn as_fd(&self) -> BorrowedFd<'_> {
            self.end_of_file.as_fd()
        }
    }

    impl Listener for Script {}

    impl sealed::Accept for Script {
        type Stream = ();
        type Addr = ();

        fn never_block(&self) -> io::Result<()> {
            Ok(())
        }

        fn accept_now(&self) -> io::Result<((), ())> {
            match self.answers.borrow_mut().pop_front() {
                None => Ok(((), ())),
                Some(code) => Err(io::Error::from_raw_os_error(code)),
            }
        }
    }

    fn script<const N: usize>(answers: [i32; N]) -> Script {
        let (end_of_file, _) = io::pipe().expect("pipe");
        Script { answers: RefCell::new(answers.into()), end_of_file }
    }

    #[test]
    fn only_the_listeners_own_errors_are_returned() {
        let (stops, stop) = token();
        let flaky = script([libc::ECONNABORTED, libc::EPROTO, libc::EINTR, libc::EMFILE, libc::EAGAIN, libc::ENOBUFS]);
        assert!(stop.accept(&flaky).expect("all passed over").is_some());
        let broken = script([libc::ECONNRESET, libc::EINVAL]);
        assert_eq!(stop.accept(&broken).expect_err("not a listener").raw_os_error(), Some(libc::EINVAL));
        stops.raise(Stage::Draining, None);
        let full = script([libc::EMFILE, libc::ENFILE]);
        assert!(stop.accept(&full).expect("accept").is_some(), "what waits for a descriptor is not given up");
    }
}
