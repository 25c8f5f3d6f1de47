//! What clients in a closed loop lose at the stop signal.

use std::time::Duration;

use graceful_benches::Result;

use super::ECHO;
use super::crowd::{Crowd, Seen};
use super::echo::{CLIENTS, Loops, MESSAGE};
use super::parting::{Parting, until_all_have_ended};
use super::wire::{self, GOING_AWAY};
use crate::contest::report::Figure;
use crate::contest::rounds::{Who, rounds};
use crate::contest::server::{ENDLESS, Server};
use crate::contest::settings::Settings;

/// Load before the signal.
const WARM_UP: Duration = Duration::from_millis(300);

/// The message that a client has under way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum UnderWay {
    /// It was sent before the signal.
    Before,
    /// It was sent after it.
    Late,
}

pub(crate) fn measure(settings: &Settings) -> Result<Vec<Figure>> {
    let titles = [
        ("64 clients in a closed loop: messages from before the signal without an answer", "lost"),
        ("64 clients in a closed loop: messages from after the signal without an answer", ""),
        ("64 clients in a closed loop: got their Close 1001", ""),
        ("64 clients in a closed loop: ended without it", ""),
        ("64 clients in a closed loop: were reset", ""),
        ("64 clients in a closed loop: signal to the end", "ms"),
    ];
    rounds(settings, settings.runs, Who::Ending, titles, |program| {
        let server = Server::start(program)?;
        let mut clients = Loops::start(Crowd::connect(server.address, ECHO, CLIENTS)?)?;
        clients.run(WARM_UP)?;
        let (end, (under_way, parting)) = server.end_during(|_| part(&mut clients))?;
        let end = end.ok_or_else(|| format!("still there after {} s", ENDLESS.as_secs()))?;
        let count = |wanted| under_way.iter().filter(|one| **one == wanted).count() as f64;
        Ok([
            count(UnderWay::Before),
            count(UnderWay::Late),
            parting.told as f64,
            parting.untold as f64,
            parting.reset as f64,
            end * 1e3,
        ])
    })
}

/// The loops go on until each has its Close or its end; what has no answer then never gets one.
fn part(clients: &mut Loops) -> Result<(Vec<UnderWay>, Parting)> {
    let close = wire::close(GOING_AWAY);
    let mut under_way = vec![UnderWay::Before; CLIENTS];
    let mut parting = Parting::of(&clients.crowd);
    until_all_have_ended(&mut clients.crowd, |client, seen| {
        parting.note(client, seen);
        match seen {
            Seen::Message(MESSAGE) => {
                under_way[client] = UnderWay::Late;
                Some(&clients.message)
            }
            Seen::Close(_) => Some(&close),
            Seen::Message(_) | Seen::End(_) => None,
        }
    })?;
    Ok((under_way, parting))
}
