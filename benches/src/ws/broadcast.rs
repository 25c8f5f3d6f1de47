//! A message to everybody in a room.

use std::thread::sleep;
use std::time::{Duration, Instant};

use graceful_benches::Result;

use super::ROOM;
use super::crowd::{Crowd, PATIENCE, Seen};
use super::wire::{self, TEXT};
use crate::contest::report::Figure;
use crate::contest::rounds::{Who, rounds};
use crate::contest::server::Server;
use crate::contest::settings::Settings;

const MESSAGE: &[u8] = &[b'x'; 100];

/// The next is sent when everybody has the one before.
const MESSAGES: usize = 20;

/// Who has the answer to the handshake is in the room by then.
const SETTLED: Duration = Duration::from_millis(300);

pub(crate) fn measure(settings: &Settings) -> Result<Vec<Figure>> {
    let titles = [
        ("a message of 100 bytes to everybody in a room", "deliveries/s"),
        ("the same, until everybody has it", "ms"),
        ("the same, processor time of the server", "µs/delivery"),
    ];
    rounds(settings, settings.rounds, Who::Everybody, titles, |program| {
        let server = Server::start(program)?;
        let mut crowd = Crowd::connect(server.address, ROOM, settings.connections)?;
        sleep(SETTLED);
        let message = wire::frame(TEXT, MESSAGE);
        tell(&mut crowd, &message)?;
        let (before, began) = (server.processor_time()?, Instant::now());
        for _ in 0..MESSAGES {
            tell(&mut crowd, &message)?;
        }
        let (used, time) = (server.processor_time()? - before, began.elapsed().as_secs_f64());
        let deliveries = (MESSAGES * settings.connections) as f64;
        drop(server);
        Ok([deliveries / time, time * 1e3 / MESSAGES as f64, used * 1e6 / deliveries])
    })
}

/// The first one sends, and all get it.
fn tell(crowd: &mut Crowd, message: &[u8]) -> Result<()> {
    let (mut left, mut wrong) = (crowd.count(), None);
    let began = Instant::now();
    crowd.send(0, message)?;
    while left > 0 {
        crowd.look(PATIENCE, |_, seen| {
            if seen == Seen::Message(MESSAGE) && left > 0 {
                left -= 1;
            } else {
                wrong = Some(format!("{seen:?}"));
            }
            None
        })?;
        if let Some(wrong) = wrong {
            return Err(format!("instead of the message, or after it, a client gets {wrong}").into());
        }
        if began.elapsed() > PATIENCE {
            return Err(format!("{left} have not got the message within {} s", PATIENCE.as_secs()).into());
        }
    }
    Ok(())
}
