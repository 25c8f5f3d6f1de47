//! From the signal to the end of a service that has nothing to do.

use std::thread::sleep;
use std::time::Duration;

use graceful_benches::Result;

use super::client::Client;
use crate::contest::report::Figure;
use crate::contest::rounds::{Who, rounds};
use crate::contest::server::{ENDLESS, Server};
use crate::contest::settings::Settings;
use crate::idle::await_lull;

/// A program that has answered is at rest by then.
const SETTLED: Duration = Duration::from_millis(50);

pub(crate) fn measure(settings: &Settings) -> Result<Vec<Figure>> {
    await_lull()?;
    let titles = [("signal to the end, nothing to do", "ms")];
    rounds(settings, settings.runs, Who::Ending, titles, |program| {
        let server = Server::start(program)?;
        Client::connect(server.address, "/")?.get()?;
        sleep(SETTLED);
        let time = server.end()?.ok_or_else(|| format!("still there after {} s", ENDLESS.as_secs()))?;
        Ok([time * 1e3])
    })
}
