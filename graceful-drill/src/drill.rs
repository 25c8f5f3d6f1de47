//! The drill as users write it.

use std::io;
use std::time::Duration;

use crate::driver::Driver;
use crate::plan::Plan;
use crate::{Outcome, Pattern, Request, Target};

/// Clients, a service, and the instant in which it is told to stop.
///
/// A run goes like this:
///
/// 1. Clients whose pattern needs a connection make it. Idle ones send their one request.
/// 2. The closed loops begin, and are measured for the time of the [warm-up](Self::warm_up).
/// 3. Clients that are to be in the middle of something make their connections and get there. The
///    [lead](Self::lead) passes.
/// 4. The server is [prepared](Service::prepare), if there is something to prepare, and queued clients connect.
/// 5. The signal. The loops go on, with new requests and new connections, and all others finish.
/// 6. Each client goes on until a connection is refused after the signal, until it has nothing more to do, or until the
///    [deadline](Self::deadline). Then only what has been asked is awaited, up to the [patience](Self::patience).
///
/// # Examples
/// ```no_run
/// use std::time::Duration;
/// use graceful_drill::{Clients, Drill, Pattern, Request};
///
/// let outcome = Drill::new("127.0.0.1:8080")
///     .group("fast", Clients::new(56, Pattern::KeepAlive { pipeline: 1 }))
///     .group("slow", Clients::new(8, Pattern::KeepAlive { pipeline: 1 }).request(Request::get("/work?ms=50")))
///     .warm_up(Duration::from_secs(2))
///     .run(|| println!("kill -TERM the server here"))?;
/// println!("{outcome}");
/// assert!(outcome.is_lossless());
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Clone, Debug)]
#[must_use = "it does nothing until it is run"]
pub struct Drill {
    pub(crate) target: Target,
    pub(crate) groups: Vec<(String, Clients)>,
    pub(crate) warm_up: Duration,
    pub(crate) lead: Duration,
    pub(crate) deadline: Duration,
    pub(crate) patience: Option<Duration>,
}

/// Clients that do the same.
#[derive(Clone, Debug)]
#[must_use = "it is a part of a drill"]
pub struct Clients {
    pub(crate) count: usize,
    pub(crate) pattern: Pattern,
    pub(crate) request: Request,
    pub(crate) rounds: Option<u64>,
    pub(crate) pause: Duration,
}

/// The service under test, as far as a drill has to do with it. All of it is called on the thread of the drill and should be
/// short.
pub trait Service {
    /// Called before the clients of [`Pattern::Queued`] connect: the server should not accept for a while, for which
    /// `SIGSTOP` is good. **Default: nothing**.
    fn prepare(&mut self) {}

    /// Called in the instant of the signal: tells the server to stop. One that was held by `SIGSTOP` has to go on.
    fn signal(&mut self);

    /// Asked every few milliseconds after the signal: the process is gone. What the kernel still has to say about its
    /// connections is read, and the run is over, even where a client would see nothing until the deadline: one that has
    /// [stopped reading](crate::Reading::Stalled) does not learn of the end that is behind what it does not read.
    /// **Default: it never says so**.
    fn has_ended(&mut self) -> bool {
        false
    }
}

/// A service that is only told to stop.
struct Once<F>(Option<F>);

impl<F: FnOnce()> Service for Once<F> {
    fn signal(&mut self) {
        if let Some(signal) = self.0.take() {
            signal();
        }
    }
}

impl Clients {
    /// So many clients of this pattern. They ask for `/` unless told otherwise.
    pub fn new(count: usize, pattern: Pattern) -> Self {
        Self { count, pattern, request: Request::get("/"), rounds: None, pause: Duration::ZERO }
    }

    /// What they ask. **Default: `GET /`**.
    pub fn request(mut self, request: Request) -> Self {
        self.request = request;
        self
    }

    /// A closed loop ends after so many rounds; one round is one write, of all the pipelined requests. Other patterns have
    /// their own end. **Default: no end**.
    pub fn rounds(mut self, rounds: u64) -> Self {
        self.rounds = Some(rounds);
        self
    }

    /// In a closed loop, the time between an answer and the next request. **Default: none**.
    pub fn pause(mut self, pause: Duration) -> Self {
        self.pause = pause;
        self
    }
}

impl Drill {
    /// A drill of this service.
    pub fn new(target: impl Into<Target>) -> Self {
        Self {
            target: target.into(),
            groups: Vec::new(),
            warm_up: Duration::from_secs(1),
            lead: Duration::from_millis(50),
            deadline: Duration::from_secs(30),
            patience: None,
        }
    }

    /// Adds clients, with a name for the outcome.
    pub fn group(mut self, name: impl Into<String>, clients: Clients) -> Self {
        self.groups.push((name.into(), clients));
        self
    }

    /// In a drill with one group, which is then called `clients`: how many there are. **Default: 1**.
    pub fn clients(mut self, count: usize) -> Self {
        self.only().count = count;
        self
    }

    /// In a drill with one group: what its clients do. **Default: a closed loop on one connection, without pipelining**.
    pub fn pattern(mut self, pattern: Pattern) -> Self {
        self.only().pattern = pattern;
        self
    }

    /// In a drill with one group: what its clients ask. **Default: `GET /`**.
    pub fn request(mut self, request: Request) -> Self {
        self.only().request = request;
        self
    }

    /// How long the load lasts before the signal. **Default: `1 s`**.
    pub fn warm_up(mut self, warm_up: Duration) -> Self {
        self.warm_up = warm_up;
        self
    }

    /// The time between the last byte that is sent before the signal and the signal, for the patterns that are to be in the
    /// middle of something. The server should have read everything by then. **Default: `50 ms`**.
    pub fn lead(mut self, lead: Duration) -> Self {
        self.lead = lead;
        self
    }

    /// How long after the signal clients go on with their loops, and hold connections that nobody closes.
    /// **Default: `30 s`**.
    pub fn deadline(mut self, deadline: Duration) -> Self {
        self.deadline = deadline;
        self
    }

    /// How long a client waits while nothing happens, for a connection or for an answer. A run ends at the latest this long
    /// after its deadline. **Default: as long as the deadline**.
    pub fn patience(mut self, patience: Duration) -> Self {
        self.patience = Some(patience);
        self
    }

    /// Runs it, and calls this closure in the instant of the signal.
    ///
    /// # Blocking
    /// Until the last client has met its end. The closure runs on this thread, between two steps of the clients; while it
    /// runs nothing is sent and nothing is read, so it should be short.
    ///
    /// # Errors
    /// The drill cannot be run as it is written, or this process has too few file descriptors. What the server does is never
    /// an error.
    pub fn run(&self, signal: impl FnOnce()) -> io::Result<Outcome> {
        self.run_with(&mut Once(Some(signal)))
    }

    /// As [`run`](Self::run), for a service that has more to be done to it than to be stopped, or that can tell when it has
    /// ended.
    ///
    /// # Errors
    /// As [`run`](Self::run).
    pub fn run_with(&self, service: &mut impl Service) -> io::Result<Outcome> {
        let plan = Plan::of(self)?;
        Driver::new(plan)?.run(service)
    }

    /// Only the load, without a signal, for so long or until all rounds are done. There is nothing in it for patterns that
    /// begin with the signal, or shortly before it.
    ///
    /// # Errors
    /// As [`run`](Self::run), and for patterns that would have nothing to do.
    pub fn load(&self, duration: Duration) -> io::Result<Outcome> {
        let plan = Plan::of_load(self, duration)?;
        Driver::new(plan)?.load()
    }

    fn only(&mut self) -> &mut Clients {
        const ONLY: &str = "clients";
        let at = self.groups.iter().position(|(name, _)| name == ONLY).unwrap_or_else(|| {
            let clients = Clients::new(1, Pattern::KeepAlive { pipeline: 1 });
            self.groups.push((ONLY.to_owned(), clients));
            self.groups.len() - 1
        });
        &mut self.groups[at].1
    }
}
