//! Messages that come back, as many as can be.

use std::time::{Duration, Instant};

use graceful_benches::Result;

use super::ECHO;
use super::crowd::{Crowd, PATIENCE, Seen};
use super::wire::{self, TEXT};
use crate::contest::report::Figure;
use crate::contest::rounds::{Who, rounds};
use crate::contest::server::Server;
use crate::contest::settings::Settings;

pub(crate) const CLIENTS: usize = 64;

pub(crate) const MESSAGE: &[u8] = b"thirty-two bytes, there and back";

pub(crate) fn measure(settings: &Settings) -> Result<Vec<Figure>> {
    let titles = [
        ("64 clients, a message after each echo", "messages/s"),
        ("64 clients, processor time of the server", "µs/message"),
    ];
    rounds(settings, settings.rounds, Who::Everybody, titles, |program| {
        let server = Server::start(program)?;
        let mut clients = Loops::start(Crowd::connect(server.address, ECHO, CLIENTS)?)?;
        clients.run(settings.warm_up)?;
        let (before, began) = (server.processor_time()?, Instant::now());
        let count = clients.run(settings.load)? as f64;
        let (used, time) = (server.processor_time()? - before, began.elapsed().as_secs_f64());
        drop(server);
        Ok([count / time, used * 1e6 / count])
    })
}

/// Clients in a closed loop: each has one message under way.
#[derive(Debug)]
pub(crate) struct Loops {
    pub(crate) crowd: Crowd,
    pub(crate) message: Vec<u8>,
}

impl Loops {
    pub(crate) fn start(mut crowd: Crowd) -> Result<Self> {
        let message = wire::frame(TEXT, MESSAGE);
        (0..crowd.count()).try_for_each(|client| crowd.send(client, &message))?;
        Ok(Self { crowd, message })
    }

    /// For so long; returns how many messages came back.
    pub(crate) fn run(&mut self, time: Duration) -> Result<u64> {
        let (mut count, mut wrong) = (0, None);
        let began = Instant::now();
        let mut last = began;
        loop {
            let now = Instant::now();
            if let Some(wrong) = wrong {
                return Err(format!("instead of its echo a client gets {wrong}").into());
            }
            if now.duration_since(last) > PATIENCE {
                return Err("no echo comes any more".into());
            }
            if now.duration_since(began) >= time {
                return Ok(count);
            }
            let before = count;
            self.crowd.look(time.min(PATIENCE), |_, seen| {
                if seen == Seen::Message(MESSAGE) {
                    count += 1;
                    return Some(&self.message);
                }
                wrong = Some(format!("{seen:?}"));
                None
            })?;
            if count > before {
                last = now;
            }
        }
    }
}
