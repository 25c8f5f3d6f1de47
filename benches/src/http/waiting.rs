//! Handlers that block: what they do to others, and how many there can be.

use std::thread::sleep;
use std::time::{Duration, Instant};

use graceful_benches::Result;

use super::client::{Client, PATIENCE};
use super::wrk::Load;
use crate::contest::report::Figure;
use crate::contest::rounds::{Who, rounds};
use crate::contest::server::Server;
use crate::contest::settings::Settings;

const SLEEPERS: usize = 8;
const OTHERS: usize = 56;
const CROWD: usize = 1000;

/// Until the sleepers have got going.
const SETTLED: Duration = Duration::from_millis(500);

pub(crate) fn isolation(settings: &Settings) -> Result<Vec<Figure>> {
    let titles = [
        ("56 connections beside 8 in handlers of 50 ms", "requests/s"),
        ("the same, p99", "ms"),
        ("the same, without the 8", "requests/s"),
        ("with them, of what it is without", ""),
    ];
    let others = Load::of(OTHERS);
    let sleepers = Load { path: "/work?ms=50", ..Load::of(SLEEPERS) };
    rounds(settings, settings.rounds, Who::Handlers, titles, |program| {
        let server = Server::start(program)?;
        if !settings.warm_up.is_zero() {
            others.run(server.address, settings.warm_up)?;
        }
        let alone = others.run(server.address, settings.load)?;
        let asleep = sleepers.start(server.address, settings.load + SETTLED * 4)?;
        sleep(SETTLED);
        let beside = others.run(server.address, settings.load)?;
        asleep.join()?;
        let share = beside.for_each_second / alone.for_each_second;
        Ok([beside.for_each_second, beside.p99, alone.for_each_second, share])
    })
}

pub(crate) fn crowd(settings: &Settings) -> Result<Vec<Figure>> {
    let titles = [("1 000 requests of 100 ms at once, until all are answered", "ms"), ("the same, once more", "ms")];
    rounds(settings, settings.rounds, Who::HandlersAndPool, titles, |program| {
        let server = Server::start(program)?;
        let mut clients =
            (0..CROWD).map(|_| Client::connect(server.address, "/work?ms=100")).collect::<Result<Vec<_>>>()?;
        Ok([ask(&mut clients)?, ask(&mut clients)?])
    })
}

/// In milliseconds, from the first request to the last answer.
fn ask(clients: &mut [Client]) -> Result<f64> {
    let began = Instant::now();
    clients.iter_mut().try_for_each(Client::send)?;
    for client in clients {
        client.receive()?;
        if began.elapsed() > PATIENCE {
            return Err(format!("not all are answered within {} s", PATIENCE.as_secs()).into());
        }
    }
    Ok(began.elapsed().as_secs_f64() * 1e3)
}
