//! Silent sockets at the stop signal.

use std::thread::sleep;
use std::time::Duration;

use graceful_benches::{Result, now};

use super::ECHO;
use super::crowd::{Crowd, Seen};
use super::parting::{Parting, until_all_have_ended};
use super::wire::{self, GOING_AWAY};
use crate::contest::report::Figure;
use crate::contest::rounds::{Titles, Who, rounds};
use crate::contest::server::{ENDLESS, Server};
use crate::contest::settings::Settings;
use crate::idle::await_lull;

/// Who has the answer to the handshake is on the server's books by then.
const SETTLED: Duration = Duration::from_millis(300);

/// What clients do about a Close.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Manners {
    /// They answer it, and close when the server has.
    Answer,
    /// Nothing, but to close when the server has.
    Mute,
}

pub(crate) fn measure(settings: &Settings) -> Result<Vec<Figure>> {
    let titles = [
        ("silent sockets: signal to the last client's Close", "ms"),
        ("silent sockets: signal to the end", "ms"),
        ("silent sockets: clients that got their Close 1001", ""),
        ("silent sockets: clients that ended without it", ""),
        ("silent sockets: clients that were reset", ""),
    ];
    await_lull()?;
    stop(settings, titles, Manners::Answer)
}

pub(crate) fn mute(settings: &Settings) -> Result<Vec<Figure>> {
    let titles = [
        ("clients that do not answer: signal to the last client's Close", "ms"),
        ("clients that do not answer: signal to the end", "ms"),
        ("clients that do not answer: got their Close 1001", ""),
        ("clients that do not answer: ended without it", ""),
        ("clients that do not answer: were reset", ""),
    ];
    stop(settings, titles, Manners::Mute)
}

fn stop(settings: &Settings, titles: Titles<5>, manners: Manners) -> Result<Vec<Figure>> {
    rounds(settings, settings.rounds, Who::Ending, titles, |program| {
        let server = Server::start(program)?;
        let mut crowd = Crowd::connect(server.address, ECHO, settings.connections)?;
        sleep(SETTLED);
        let (end, (last, parting)) = server.end_during(|sent| part(&mut crowd, sent, manners))?;
        let end = end.ok_or_else(|| format!("still there after {} s", ENDLESS.as_secs()))?;
        Ok([last * 1e3, end * 1e3, parting.told as f64, parting.untold as f64, parting.reset as f64])
    })
}

/// Until all connections have ended. The time is that from the signal to the last Close 1001, in seconds.
fn part(crowd: &mut Crowd, sent: u64, manners: Manners) -> Result<(f64, Parting)> {
    let close = wire::close(GOING_AWAY);
    let answer = (manners == Manners::Answer).then_some(&close[..]);
    let mut parting = Parting::of(crowd);
    let mut last = f64::NAN;
    until_all_have_ended(crowd, |client, seen| {
        parting.note(client, seen);
        let Seen::Close(code) = seen else { return None };
        if code == GOING_AWAY {
            last = now().saturating_sub(sent) as f64 / 1e9;
        }
        answer
    })?;
    Ok((last, parting))
}
