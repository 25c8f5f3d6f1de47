//! Time and memory of one connection.

use std::io::Read as _;
use std::net::{SocketAddr, TcpStream};
use std::os::unix::net::UnixStream;
use std::thread;
use std::time::Instant;

use graceful::Runtime;
use graceful_benches::{Result, raise_descriptors};
use nix::time::{ClockId, clock_getcpuclockid};

use crate::program::Program;
use crate::samples::{Samples, turns};
use crate::table::Group;

const SERVERS: [(&str, &str); 3] = [
    ("graceful", "graceful: `app.tcp`"),
    ("loop", "accept and drop on one thread (floor)"),
    ("threads", "a thread for each connection"),
];

const ROUNDS: usize = 15;

/// Connections of one round, by all clients together.
const VISITS: usize = 2000;

/// Those that come at once, where they do.
const CLIENTS: usize = 8;

/// Connections on the books and off again, in one round.
const BOOKED: usize = 5000;

/// Processes that hold connections, for each program.
const HOLDERS: usize = 5;

/// Held with nobody at work on them.
const HELD: usize = 10_000;

/// Held, each by a thread.
const SERVED: usize = 2000;

/// Descriptors beside the connections.
const SPARE: u64 = 64;

pub(crate) fn measure() -> Result<Vec<Group>> {
    raise_descriptors(HELD as u64 + SPARE)?;
    let mut groups = visits()?;
    groups.push(books()?);
    groups.push(hold(
        "memory of one open connection, nobody at work on it",
        HELD,
        [("adopt", "graceful: `app.adopt`"), ("vec", "`TcpStream` in a `Vec` (floor)")],
    )?);
    groups.push(hold(
        "memory of one open connection, a thread waits for its request",
        SERVED,
        [("workers", "graceful: `app.tcp`, `wait_readable`"), ("threads", "a thread for each connection, `read`")],
    )?);
    Ok(groups)
}

/// What a round of visits cost, for one connection.
struct Cost {
    elapsed: f64,
    server_cpu: f64,
}

/// Accept, an empty handler, close: as the client sees it, and in processor time of the server, the kernel's part included.
fn visits() -> Result<Vec<Group>> {
    let mut servers = Vec::new();
    for (name, title) in SERVERS {
        let mut program = Program::start("candidate", &["serve", name])?;
        let address: SocketAddr = program.line()?.parse()?;
        visit(address, VISITS)?;
        servers.push((title, address, clock_getcpuclockid(program.pid())?, program));
    }
    let mut costs: [[Samples; SERVERS.len()]; 4] = Default::default();
    for round in 0..ROUNDS {
        for turn in turns(round, servers.len()) {
            let (_, address, clock, _) = &servers[turn];
            let alone = cost(*clock, || visit(*address, VISITS))?;
            let together = cost(*clock, || visit_at_once(*address))?;
            let found = [alone.elapsed, alone.server_cpu, together.elapsed, together.server_cpu];
            for (samples, found) in costs.iter_mut().zip(found) {
                samples[turn].add(found);
            }
        }
    }
    let titles = [
        "one connection, one client: connect to close",
        "the same, processor time of the server",
        "one connection, 8 clients at once: time for each",
        "the same, processor time of the server",
    ];
    let names = SERVERS.map(|(_, title)| title);
    Ok(titles
        .into_iter()
        .zip(costs)
        .map(|(title, samples)| Group::of(title, "µs", names.into_iter().zip(samples)))
        .collect())
}

fn cost(clock: ClockId, visits: impl FnOnce() -> Result<()>) -> Result<Cost> {
    let used = || -> Result<f64> {
        let time = clock.now()?;
        Ok(time.tv_sec() as f64 * 1e6 + time.tv_nsec() as f64 / 1e3)
    };
    let (before, began) = (used()?, Instant::now());
    visits()?;
    let elapsed = began.elapsed().as_secs_f64() * 1e6;
    Ok(Cost { elapsed: elapsed / VISITS as f64, server_cpu: (used()? - before) / VISITS as f64 })
}

fn visit(address: SocketAddr, times: usize) -> Result<()> {
    for _ in 0..times {
        let mut stream = TcpStream::connect(address)?;
        if stream.read(&mut [0])? != 0 {
            return Err("the server said something".into());
        }
    }
    Ok(())
}

fn visit_at_once(address: SocketAddr) -> Result<()> {
    let client = || visit(address, VISITS / CLIENTS).map_err(|error| error.to_string());
    thread::scope(|scope| {
        let clients: Vec<_> = (0..CLIENTS).map(|_| scope.spawn(client)).collect();
        clients.into_iter().try_for_each(|client| Ok(client.join().map_err(|_| "a client panicked")??))
    })
}

/// Onto the books and off them again, without the network: what tracking by itself costs.
fn books() -> Result<Group> {
    let runtime = Runtime::builder("books").start()?;
    runtime.app().ready()?;
    // As on any busy service, there is another one: the first and the last cost more.
    let other = runtime.app().adopt(UnixStream::pair()?.0)?;
    let mut tracked = Samples::default();
    let mut bare = Samples::default();
    let mut beyond = Samples::default();
    for _ in 0..ROUNDS {
        let pairs = pairs()?;
        let began = Instant::now();
        for (near, far) in pairs {
            drop(runtime.app().adopt(near)?);
            drop(far);
        }
        let with = began.elapsed().as_secs_f64() * 1e9 / BOOKED as f64;
        let pairs = self::pairs()?;
        let began = Instant::now();
        for (near, far) in pairs {
            drop(near);
            drop(far);
        }
        let without = began.elapsed().as_secs_f64() * 1e9 / BOOKED as f64;
        tracked.add(with);
        bare.add(without);
        beyond.add(with - without);
    }
    drop(other);
    drop(runtime.shutdown("the benchmark"));
    Ok(Group::new("one connection, close only (Unix pair)", "ns")
        .row("graceful: `app.adopt`, dropped", tracked)
        .row("`UnixStream`, dropped (floor)", bare)
        .row("the difference: tracking", beyond))
}

fn pairs() -> Result<Vec<(UnixStream, UnixStream)>> {
    Ok((0..BOOKED).map(|_| UnixStream::pair()).collect::<std::io::Result<_>>()?)
}

/// Memory of the server's process, not the kernel's, for each connection that is held open.
fn hold<const N: usize>(title: &'static str, count: usize, programs: [(&str, &str); N]) -> Result<Group> {
    let mut samples = vec![Samples::default(); N];
    for round in 0..HOLDERS {
        for turn in turns(round, N) {
            let (program, _) = programs[turn];
            let mut holder = Program::start("candidate", &["hold", program, &count.to_string()])?;
            let address: SocketAddr = holder.line()?.parse()?;
            let clients = (0..count).map(|_| TcpStream::connect(address)).collect::<std::io::Result<Vec<_>>>()?;
            let bytes: f64 = holder.line()?.parse()?;
            drop(clients);
            samples[turn].add(bytes / count as f64);
        }
    }
    Ok(Group::of(title, "bytes", programs.into_iter().map(|(_, name)| name).zip(samples)))
}
