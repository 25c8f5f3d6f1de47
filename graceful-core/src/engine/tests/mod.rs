//! The engine as a whole, over loopback and Unix sockets. Nothing sleeps: every wait is for an event, with a deadline.

mod books;
#[cfg(unix)]
mod kinds;
mod pool;
#[cfg(unix)]
mod sessions;
mod stopping;
mod waiting;

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;
use std::time::Duration;

use crossbeam_channel::{Receiver, Sender};
use log::LevelFilter;

use super::*;
use crate::runtime::stop::Stop;

/// Long enough for a busy machine; reached only when a test fails.
const PATIENCE: Duration = Duration::from_secs(20);

/// An engine with what the runtime would put around it.
struct Bench {
    engine: Arc<Engine>,
    stops: Arc<Stops>,
    tickets: Arc<Tickets>,
    stopped: Receiver<EngineEvent>,
    /// Told each time that no ticket is out while draining.
    empty: Receiver<()>,
    /// Where it listens, with port 0.
    home: String,
}

impl Bench {
    fn new(limits: Limits) -> Self {
        let (observer, _thread) = Observer::start(LevelFilter::Off).expect("a thread");
        let (tell_empty, empty) = crossbeam_channel::unbounded();
        let tickets = Tickets::new(move || tell_empty.send(()).expect("heard"));
        let (tell, stopped) = crossbeam_channel::unbounded();
        let stops = Stops::new();
        let engine = Engine::new(Arc::clone(&stops), Arc::clone(&tickets), observer, limits, move |event| {
            // Nobody listens any more when a bench is dropped.
            let _ = tell.send(event);
        });
        Self { engine, stops, tickets, stopped, empty, home: home() }
    }

    fn listen<R>(&self, handler: impl Fn(Connection) -> R + Send + Sync + 'static) -> SocketAddr
    where
        R: IntoResult,
    {
        let handler: Arc<Handler> = Arc::new(move |connection| handler(connection).into_result());
        self.engine.listen(self.home.clone().into(), handler).expect("bound").tcp().expect("TCP")
    }

    /// What the coordinator does when the drain begins.
    fn drain(&self) {
        self.stops.raise(Stage::Draining, None);
        self.tickets.drain();
        self.engine.stop_listeners();
    }

    /// And when its deadline passes.
    fn cut(&self) -> u64 {
        self.stops.raise(Stage::Cancelling, None);
        let cut = self.engine.cut();
        drop(self.tickets.close());
        cut
    }

    fn await_stopped(&self) {
        assert_eq!(self.stopped.recv_timeout(PATIENCE), Ok(EngineEvent::ListenersStopped));
    }

    /// Waits until everything is gone, as the coordinator would.
    fn await_drained(&self) {
        loop {
            self.empty.recv_timeout(PATIENCE).expect("drained");
            if self.tickets.close_if_empty() {
                return;
            }
        }
    }

    fn counts(&self) -> ConnectionCounts {
        let counts = self.engine.counts();
        assert!(counts.balance(), "{counts:?}");
        counts
    }

    fn token(&self, stage: Stage) -> Stop {
        Stop::new(Arc::clone(&self.stops), stage, Stage::Ended)
    }
}

/// A loopback address of one's own. On a shared one, a late client of one test might come to another's listener, which has
/// been given the same port meanwhile.
fn home() -> String {
    static LAST: AtomicU32 = AtomicU32::new(0);

    if cfg!(any(target_os = "linux", target_os = "android")) {
        let [.., high, low] = LAST.fetch_add(1, Ordering::Relaxed).to_be_bytes();
        format!("127.{}.{high}.{}:0", 1 + std::process::id() % 250, low.max(1))
    } else {
        "127.0.0.1:0".to_owned()
    }
}

/// So that handlers in tests may return nothing.
trait IntoResult {
    fn into_result(self) -> Result<(), BoxError>;
}

impl IntoResult for () {
    fn into_result(self) -> Result<(), BoxError> {
        Ok(())
    }
}

impl IntoResult for Result<(), BoxError> {
    fn into_result(self) -> Result<(), BoxError> {
        self
    }
}

/// A handler's way to wait until the test lets it go on, by dropping the sender.
fn gate() -> (Sender<()>, Receiver<()>) {
    crossbeam_channel::bounded(0)
}

fn pass(gate: &Receiver<()>) {
    // The sender is dropped, or the test has failed.
    let _ = gate.recv_timeout(PATIENCE);
}

/// Sends back all that comes, until the end of it.
fn echo(connection: Connection) -> Result<(), BoxError> {
    let mut bytes = [0; 64];
    loop {
        match (&connection).read(&mut bytes)? {
            0 => return Ok(()),
            length => (&connection).write_all(&bytes[..length])?,
        }
    }
}

fn connect(address: SocketAddr) -> TcpStream {
    let stream = TcpStream::connect(address).expect("listening");
    stream.set_read_timeout(Some(PATIENCE)).expect("not zero");
    stream
}

/// Asks and hears the answer out.
fn ask(mut stream: impl std::io::Read + std::io::Write, finish: impl FnOnce()) -> io::Result<Vec<u8>> {
    stream.write_all(b"hello")?;
    finish();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer)?;
    Ok(answer)
}

fn ask_tcp(stream: &TcpStream) -> io::Result<Vec<u8>> {
    ask(stream, || drop(stream.shutdown(Shutdown::Write)))
}

/// Blocks until the other side has closed.
fn await_end(mut stream: &TcpStream) {
    // Bytes that the other side never read make it a reset.
    drop(stream.read_to_end(&mut Vec::new()));
}

pub(super) fn tcp_pair() -> (TcpStream, TcpStream) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("free");
    let client = connect(listener.local_addr().expect("bound"));
    (listener.accept().expect("connected").0, client)
}
