//! Whether a probe is quick, whatever the service does.

use std::net::SocketAddr;
use std::thread::sleep;
use std::time::{Duration, Instant};

use graceful_benches::Result;

use super::visit::{call, visit};
use super::{READY, start};
use crate::contest::candidate::Candidate;
use crate::contest::report::Figure;
use crate::contest::server::Server;
use crate::contest::settings::Settings;
use crate::http::client::Client;
use crate::http::wrk::Load;
use crate::samples::{Samples, turns};
use crate::table::Group;

/// From one probe to the next.
const PACE: Duration = Duration::from_millis(5);

/// Until a load has got going.
const SETTLED: Duration = Duration::from_millis(300);

/// Connections of the load.
const BUSY: usize = 256;

/// Handlers that never end, and workers that they may have.
const STUCK: usize = 64;
const WORKERS: &str = "8";

/// What the service does meanwhile: its name in the table, and who finds out.
type State = (&'static str, fn(&Settings, &Candidate) -> Result<Samples>);

const STATES: [State; 4] = [
    ("idle", idle),
    ("256 busy connections", busy),
    ("256 busy connections, all 8 workers stuck", stuck),
    ("lame duck with 256 busy connections, then drain with 64 requests in flight", draining),
];

pub(super) fn measure(settings: &Settings) -> Result<Vec<Figure>> {
    let bare = settings.candidates.first().ok_or("the service was built")?;
    let mut medians: [Samples; STATES.len()] = Default::default();
    let mut p99s: [Samples; STATES.len()] = Default::default();
    for round in 0..settings.rounds {
        for turn in turns(round, STATES.len()) {
            let (name, probe) = STATES[turn];
            let times = probe(settings, bare).map_err(|error| format!("{name}: {error}"))?;
            medians[turn].add(times.median());
            p99s[turn].add(times.quantile(0.99));
        }
    }
    let group = |title, samples: [Samples; STATES.len()]| {
        Figure::from(Group::of(title, "µs", STATES.iter().map(|(name, _)| *name).zip(samples)))
    };
    Ok(vec![group("one readiness probe, median", medians), group("one readiness probe, p99", p99s)])
}

fn idle(settings: &Settings, bare: &Candidate) -> Result<Samples> {
    let (_server, admin) = start(bare, &[])?;
    while_serving(admin, settings.load)
}

fn busy(settings: &Settings, bare: &Candidate) -> Result<Samples> {
    let (server, admin) = start(bare, &[])?;
    beside_load(&server, admin, settings)
}

fn stuck(settings: &Settings, bare: &Candidate) -> Result<Samples> {
    let (server, admin) = start(bare, &[("GRACEFUL_WORKERS", WORKERS)])?;
    let mut clients = Vec::with_capacity(STUCK);
    for _ in 0..STUCK {
        let mut client = Client::connect(server.address, "/stuck")?;
        client.send()?;
        clients.push(client);
    }
    beside_load(&server, admin, settings)
}

fn beside_load(server: &Server, admin: SocketAddr, settings: &Settings) -> Result<Samples> {
    let load = Load::of(BUSY).start(server.address, settings.load + SETTLED * 2)?;
    sleep(SETTLED);
    let times = while_serving(admin, settings.load)?;
    load.join()?;
    Ok(times)
}

fn while_serving(admin: SocketAddr, time: Duration) -> Result<Samples> {
    let began = Instant::now();
    let mut times = Samples::EMPTY;
    while began.elapsed() < time {
        times.add(call(admin, READY, 200)?.took.as_nanos() as f64 / 1e3);
        sleep(PACE);
    }
    Ok(times)
}

/// From the signal until nobody listens any more. From the first answer on that says that it is not ready, all do.
fn draining(settings: &Settings, bare: &Candidate) -> Result<Samples> {
    let lame_duck = format!("{}ms", settings.load.as_millis() / 2);
    let long = settings.load + SETTLED;
    let path = format!("/work?ms={}", long.as_millis());
    let variables = [("SHUTDOWN_LAME_DUCK", lame_duck.as_str()), ("SHUTDOWN_TIMEOUT", "60"), ("SHUTDOWN_DRAIN", "30")];
    let (server, admin) = start(bare, &variables)?;
    let mut clients = Vec::with_capacity(STUCK);
    for _ in 0..STUCK {
        let mut client = Client::connect(server.address, &path)?;
        client.send()?;
        clients.push(client);
    }
    // It is dropped, since its connections come to their end in the middle of it.
    let load = Load::of(BUSY).start(server.address, long)?;
    sleep(SETTLED);
    let (_, times) = server.end_during(|_| {
        let (mut times, mut told) = (Samples::EMPTY, false);
        while let Some(found) = visit(admin, READY)? {
            match found.status {
                503 => told = true,
                // The signal is sent, and on a busy machine it is a moment until its handler runs.
                200 if !told => {}
                status => return Err(format!("the probe is answered by {status}").into()),
            }
            times.add(found.took.as_nanos() as f64 / 1e3);
            sleep(PACE);
        }
        clients.iter_mut().try_for_each(Client::receive)?;
        Ok(times)
    })?;
    drop(load);
    Ok(times)
}
