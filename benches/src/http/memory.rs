//! Resident memory: of the service, and of its connections.

use std::thread::sleep;
use std::time::Duration;

use graceful_benches::Result;

use super::client::Client;
use crate::contest::report::Figure;
use crate::contest::rounds::{Who, rounds};
use crate::contest::server::Server;
use crate::contest::settings::Settings;

/// Threads that have just answered are asleep again by then.
const SETTLED: Duration = Duration::from_millis(200);

pub(crate) fn measure(settings: &Settings) -> Result<Vec<Figure>> {
    let titles = [
        ("resident memory after the start", "KiB"),
        ("the same, after the first request", "KiB"),
        ("resident memory of an idle connection", "bytes"),
        ("proportional set after the first request", "KiB"),
        ("proportional set of an idle connection", "bytes"),
    ];
    rounds(settings, settings.rounds, Who::Everybody, titles, |program| {
        let server = Server::start(program)?;
        sleep(SETTLED);
        let start = server.memory()?;
        Client::connect(server.address, "/")?.get()?;
        sleep(SETTLED);
        let first = server.memory()?;
        let mut clients = Vec::with_capacity(settings.connections);
        for _ in 0..settings.connections {
            let mut client = Client::connect(server.address, "/")?;
            client.get()?;
            clients.push(client);
        }
        sleep(SETTLED);
        let full = server.memory()?;
        // They are still open, all of them.
        clients.iter_mut().step_by(100).try_for_each(Client::get)?;
        let share = |bytes: f64| bytes / settings.connections as f64;
        Ok([
            start.resident / 1024.0,
            first.resident / 1024.0,
            share(full.resident - first.resident),
            first.proportional / 1024.0,
            share(full.proportional - first.proportional),
        ])
    })
}
