//! Resident memory of sockets on which nothing happens.

use std::thread::sleep;
use std::time::Duration;

use graceful_benches::Result;

use super::ECHO;
use super::crowd::Crowd;
use crate::contest::report::Figure;
use crate::contest::rounds::{Who, rounds};
use crate::contest::server::Server;
use crate::contest::settings::Settings;

/// Threads that have just greeted are asleep again by then.
const SETTLED: Duration = Duration::from_millis(300);

pub(crate) fn measure(settings: &Settings) -> Result<Vec<Figure>> {
    let titles = [
        ("resident memory with one socket", "KiB"),
        ("resident memory of a silent socket", "bytes"),
        ("proportional set of a silent socket", "bytes"),
    ];
    rounds(settings, settings.rounds, Who::Everybody, titles, |program| {
        let server = Server::start(program)?;
        let first = Crowd::connect(server.address, ECHO, 1)?;
        sleep(SETTLED);
        let before = server.memory()?;
        let crowd = Crowd::connect(server.address, ECHO, settings.connections)?;
        sleep(SETTLED);
        let after = server.memory()?;
        let share = |bytes: f64| bytes / settings.connections as f64;
        drop(server);
        drop((first, crowd));
        Ok([
            before.resident / 1024.0,
            share(after.resident - before.resident),
            share(after.proportional - before.proportional),
        ])
    })
}
