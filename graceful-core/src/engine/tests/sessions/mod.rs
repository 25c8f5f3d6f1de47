//! Sessions of a small protocol, through the real engine.

mod calling;
mod destructors;
mod ending;
mod errands;
mod held_up;
mod lines;
mod queue;
mod storm;
mod talking;

use std::os::unix::net::UnixStream;
use std::path::PathBuf;

use super::*;
use lines::{Lines, Seen, Settings};

/// What the sessions of a test run on.
#[derive(Clone, Copy, Debug)]
struct Ground {
    driven: Driven,
    road: Road,
}

#[derive(Clone, Copy, Debug)]
enum Driven {
    Loops(usize),
    /// As where a loop cannot watch a socket.
    Workers,
}

#[derive(Clone, Copy, Debug)]
enum Road {
    Tcp,
    Unix,
}

const ONE_LOOP: Ground = Ground { driven: Driven::Loops(1), road: Road::Tcp };
const THREE_LOOPS: Ground = Ground { driven: Driven::Loops(3), road: Road::Tcp };

/// Where anything is to work.
const EVERYWHERE: [Ground; 5] = [
    ONE_LOOP,
    THREE_LOOPS,
    Ground { driven: Driven::Loops(1), road: Road::Unix },
    Ground { driven: Driven::Loops(3), road: Road::Unix },
    Ground { driven: Driven::Workers, road: Road::Tcp },
];

/// A listener with sessions behind it, and what a test wants to see of them.
struct Hall {
    bench: Bench,
    lines: Arc<Lines>,
    seen: Receiver<Seen>,
    /// Those that wait at the gate.
    entered: Receiver<u64>,
    gate: Option<Sender<()>>,
    address: Option<SocketAddr>,
    path: PathBuf,
    #[allow(dead_code, reason = "held only to be dropped")]
    directory: tempfile::TempDir,
}

impl Hall {
    fn new(ground: Ground) -> Self {
        Self::with(ground, Limits::default(), Settings::default())
    }

    fn with(Ground { driven, road }: Ground, limits: Limits, settings: Settings) -> Self {
        println!("on {driven:?}, {road:?}");
        let loops = if let Driven::Loops(loops) = driven { loops } else { 1 };
        let bench = Bench::new(Limits { loops, ..limits });
        let (lines, seen, entered, gate) = Lines::new(settings);
        let directory = tempfile::tempdir().expect("writable");
        let path = directory.path().join("s");
        let address = match road {
            Road::Tcp => bench.home.clone(),
            Road::Unix => format!("unix:{}", path.display()),
        };
        let address = match driven {
            Driven::Loops(_) => {
                let protocol = lines::protocol(&lines);
                bench.engine.serve(address.into(), protocol)
            }
            Driven::Workers => {
                let protocol = lines::protocol(&lines);
                let drive = move |connection| drive::by_a_worker::drive(&*protocol, connection);
                bench.engine.listen(address.into(), Arc::new(drive))
            }
        };
        let address = address.expect("bound").tcp();
        Self { bench, lines, seen, entered, gate: Some(gate), address, path, directory }
    }

    fn connect(&self) -> Client {
        let stream = match self.address {
            Some(address) => Stream::Tcp(connect(address)),
            None => Stream::Unix(UnixStream::connect(&self.path).expect("listening")),
        };
        stream.set_read_timeout(Some(PATIENCE)).expect("not zero");
        Client { stream, heard: Vec::new() }
    }

    /// So many, each of which has been answered.
    fn clients(&self, count: usize) -> Vec<Client> {
        let mut clients: Vec<_> = (0..count).map(|_| self.connect()).collect();
        for client in &mut clients {
            assert_eq!(client.ask("echo hello"), "hello");
        }
        clients
    }

    fn open_gate(&mut self) {
        self.gate = None;
    }

    /// Waits until one more session is at the gate, and tells which connection that is.
    fn await_entered(&self) -> u64 {
        self.entered.recv_timeout(PATIENCE).expect("somebody comes to the gate")
    }

    /// Waits for a run of a connection for a reason, and tells where it was.
    fn await_run(&self, connection: u64, wake: Wake) -> Seen {
        loop {
            let seen = self.seen.recv_timeout(PATIENCE).expect("run");
            if seen.connection == connection && seen.wake == wake {
                return seen;
            }
        }
    }

    /// Waits for the next run of a connection, and tells its reason.
    fn await_next_run(&self, connection: u64) -> Wake {
        loop {
            let seen = self.seen.recv_timeout(PATIENCE).expect("run");
            if seen.connection == connection {
                return seen.wake;
            }
        }
    }

    /// How often a connection was run for a reason, as far as nobody has asked yet.
    fn runs(&self) -> Vec<Seen> {
        self.seen.try_iter().collect()
    }

    fn is_slow(&self) -> bool {
        self.lines.paces[0].is_slow()
    }

    fn await_activity(&self, activity: registry::Activity, count: usize) {
        let until = crate::clock::now() + PATIENCE;
        while self.bench.engine.open().listed.iter().filter(|open| open.activity == activity).count() != count {
            assert!(!crate::clock::until(until).is_zero(), "not {count} are {activity}");
            thread::yield_now();
        }
    }

    /// Ends the engine, and waits until nothing of it is left.
    fn leave_nothing_behind(self) {
        let core = Arc::downgrade(&self.bench.engine.core);
        drop(self.bench);
        await_gone(&core);
    }
}

/// Every thread and connection of an engine holds its core.
fn await_gone<T>(core: &std::sync::Weak<T>) {
    let until = crate::clock::now() + PATIENCE;
    while core.strong_count() > 0 {
        assert!(!crate::clock::until(until).is_zero(), "{} are left", core.strong_count());
        thread::yield_now();
    }
}

/// The other side of a session.
struct Client {
    stream: Stream,
    heard: Vec<u8>,
}

impl Client {
    fn try_say(&self, line: &str) -> io::Result<()> {
        (&self.stream).write_all(format!("{line}\n").as_bytes())
    }

    fn say(&self, line: &str) {
        self.try_say(line).expect("open");
    }

    fn try_hear(&mut self) -> io::Result<String> {
        let mut bytes = [0; 4096];
        loop {
            if let Some(end) = self.heard.iter().position(|byte| *byte == b'\n') {
                let line: Vec<u8> = self.heard.drain(..=end).collect();
                return Ok(String::from_utf8_lossy(&line[..end]).into_owned());
            }
            match (&self.stream).read(&mut bytes)? {
                0 => return Err(io::ErrorKind::UnexpectedEof.into()),
                length => self.heard.extend_from_slice(&bytes[..length]),
            }
        }
    }

    fn hear(&mut self) -> String {
        self.try_hear().expect("a line")
    }

    fn ask(&mut self, line: &str) -> String {
        self.say(line);
        self.hear()
    }

    /// Reads so many bytes, of no importance.
    fn swallow(&mut self, mut count: usize) {
        let mut bytes = vec![0; 64 * 1024];
        while count > 0 {
            let most = count.min(bytes.len());
            let length = (&self.stream).read(&mut bytes[..most]).expect("more");
            assert!(length > 0 && bytes[..length].iter().all(|byte| *byte == b'x'));
            count -= length;
        }
    }

    /// The number of its connection.
    fn id(&mut self) -> u64 {
        self.ask("id").parse().expect("a number")
    }

    fn hang_up(&self) {
        self.stream.shutdown(Shutdown::Write).expect("connected");
    }

    /// The session has closed, and has said nothing more.
    fn await_end(mut self) {
        let end = self.try_hear().expect_err("nothing more");
        assert!(matches!(end.kind(), io::ErrorKind::UnexpectedEof | io::ErrorKind::ConnectionReset), "{end}");
        assert!(self.heard.is_empty(), "{:?}", String::from_utf8_lossy(&self.heard));
    }
}
