//! One connection, one request after the other.

use std::time::{Duration, Instant};

use graceful_benches::Result;

use super::client::{Client, Waiting};
use crate::contest::report::Figure;
use crate::contest::rounds::{Who, rounds};
use crate::contest::server::Server;
use crate::contest::settings::Settings;
use crate::samples::Samples;

pub(crate) fn measure(settings: &Settings) -> Result<Vec<Figure>> {
    let titles = [
        ("one connection, time to the answer: median", "µs"),
        ("one connection, time to the answer: p99", "µs"),
        ("the same with a client that is awake: median", "µs"),
    ];
    rounds(settings, settings.rounds, Who::Everybody, titles, |program| {
        let server = Server::start(program)?;
        let mut client = Client::connect(server.address, "/")?;
        visit(&mut client, settings.warm_up)?;
        let times = visit(&mut client, settings.load)?;
        client.wait(Waiting::Spinning)?;
        let awake = visit(&mut client, settings.load)?;
        Ok([times.median(), times.quantile(0.99), awake.median()])
    })
}

/// In microseconds.
fn visit(client: &mut Client, time: Duration) -> Result<Samples> {
    let mut times = Samples::EMPTY;
    let began = Instant::now();
    let mut last = began;
    while last.duration_since(began) < time {
        client.get()?;
        let now = Instant::now();
        times.add(now.duration_since(last).as_nanos() as f64 / 1e3);
        last = now;
    }
    Ok(times)
}
