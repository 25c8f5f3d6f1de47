//! How clients and a server that stops part.

use std::time::{Duration, Instant};

use graceful_benches::Result;

use super::crowd::{Crowd, End, Seen};
use super::wire::GOING_AWAY;
use crate::contest::server::ENDLESS;

/// How the clients ended.
#[derive(Clone, Debug)]
pub(crate) struct Parting {
    has_close: Vec<bool>,
    /// They have their Close 1001.
    pub(crate) told: usize,
    /// The connection ended without it.
    pub(crate) untold: usize,
    /// Reset, with it or without.
    pub(crate) reset: usize,
}

impl Parting {
    pub(crate) fn of(crowd: &Crowd) -> Self {
        Self { has_close: vec![false; crowd.count()], told: 0, untold: 0, reset: 0 }
    }

    pub(crate) fn note(&mut self, client: usize, seen: Seen<'_>) {
        match seen {
            Seen::Close(GOING_AWAY) => {
                self.told += usize::from(!self.has_close[client]);
                self.has_close[client] = true;
            }
            Seen::End(end) => {
                self.untold += usize::from(!self.has_close[client]);
                self.reset += usize::from(end == End::Reset);
            }
            Seen::Close(_) | Seen::Message(_) => {}
        }
    }
}

/// Until the server, which has been told to stop, has ended all connections. One that does not stop is killed, which ends them.
pub(crate) fn until_all_have_ended<'a>(
    crowd: &mut Crowd,
    mut answer: impl FnMut(usize, Seen<'_>) -> Option<&'a [u8]>,
) -> Result<()> {
    let began = Instant::now();
    while crowd.open() > 0 {
        crowd.look(Duration::from_secs(1), &mut answer)?;
        if began.elapsed() > ENDLESS * 2 {
            return Err("connections outlive their server".into());
        }
    }
    Ok(())
}
