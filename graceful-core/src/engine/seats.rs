//! The sessions of a loop: parked in their seats, or away for a run.

use super::connection::Connection;
use super::protocol::{Session, Wake};
use super::registry::Activity;
use crate::runtime::stop::Stage;

/// A session and its connection. Boxed as a whole it would cost an allocation more for each connection.
pub(super) struct Seat {
    /// Dropped before the connection, which it may have borrowed things from.
    pub(super) session: Box<dyn Session>,
    pub(super) connection: Connection,
    #[cfg_attr(not(unix), allow(dead_code, reason = "no poll can watch it there"))]
    pub(super) watch: Watch,
    pub(super) told: Told,
}

/// What a session knows of a shutdown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Told {
    Nothing,
    /// That there will be one.
    Announcement,
    /// That the drain has begun.
    Drain,
    /// That it is about to end.
    Cancellation,
}

/// What the poll tells about a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Watch {
    Nothing,
    Bytes,
    BytesAndRoom,
}

impl Seat {
    /// Whether that is news to it; from now on it is not.
    pub(super) fn hear(&mut self, what: Told) -> bool {
        let news = self.told < what;
        self.told = self.told.max(what);
        news
    }

    /// Its connection has nothing to do.
    pub(super) fn rest(&self) {
        let activity = if self.told >= Told::Drain { Activity::Leaving } else { Activity::Idle };
        self.connection.set_activity(activity);
    }

    /// What it is to be told now, with the shutdown at this stage.
    pub(super) fn news(&self, stage: Stage) -> Option<Wake> {
        if stage >= Stage::Draining {
            match self.told {
                Told::Nothing | Told::Announcement => Some(Wake::Stopping),
                Told::Drain => (stage >= Stage::Cancelling).then_some(Wake::Cancelled),
                Told::Cancellation => None,
            }
        } else {
            let tell = stage >= Stage::Requested && self.told < Told::Announcement && self.session.wants_announcement();
            tell.then_some(Wake::Announced)
        }
    }
}

#[derive(Default)]
pub(super) struct Seats {
    places: Vec<Place>,
    free: Vec<u32>,
}

enum Place {
    Free,
    Parked(Seat),
    /// A run has it, here or on a worker. `missed`: something happened to its socket meanwhile.
    Away {
        missed: bool,
    },
}

impl Seats {
    /// A place for a session that is still away.
    pub(super) fn reserve(&mut self) -> u32 {
        let place = self.free.pop().unwrap_or_else(|| {
            self.places.push(Place::Free);
            // More than a process can have descriptors.
            (self.places.len() - 1) as u32
        });
        self.places[place as usize] = Place::Away { missed: false };
        place
    }

    /// The session of a place leaves it for a run; `None` when there is none, or it is away.
    pub(super) fn take(&mut self, place: u32) -> Option<Seat> {
        let slot = self.places.get_mut(place as usize)?;
        match slot {
            Place::Parked(_) => match std::mem::replace(slot, Place::Away { missed: false }) {
                Place::Parked(seat) => Some(seat),
                Place::Away { .. } | Place::Free => None,
            },
            Place::Away { .. } | Place::Free => None,
        }
    }

    /// Something happened to the socket of a place: `true` when its session is there to be run for it.
    pub(super) fn hear(&mut self, place: u32) -> bool {
        match self.places.get_mut(place as usize) {
            Some(Place::Parked(_)) => true,
            Some(Place::Away { missed }) => {
                *missed = true;
                false
            }
            Some(Place::Free) | None => false,
        }
    }

    /// Somebody calls for the session of a connection: `true` when it is there to be run.
    pub(super) fn call(&mut self, place: u32, connection: u64) -> bool {
        match self.places.get_mut(place as usize) {
            Some(Place::Parked(seat)) => seat.connection.id() == connection,
            // Whoever is away is looked for once too often, at worst.
            _ => self.hear(place),
        }
    }

    /// A session is back; `true` when something happened to its socket meanwhile.
    pub(super) fn park(&mut self, place: u32, seat: Seat) -> bool {
        let before = std::mem::replace(&mut self.places[place as usize], Place::Parked(seat));
        matches!(before, Place::Away { missed: true })
    }

    /// Whether a parked session has not been told that yet; it counts as told from now on.
    pub(super) fn tell(&mut self, place: u32, what: Told) -> bool {
        match self.places.get_mut(place as usize) {
            Some(Place::Parked(seat)) => seat.hear(what),
            _ => false,
        }
    }

    /// The session that was here is no more.
    pub(super) fn vacate(&mut self, place: u32) {
        self.places[place as usize] = Place::Free;
        self.free.push(place);
    }

    /// Every parked session and its place.
    pub(super) fn parked(&self) -> impl Iterator<Item = (u32, &Seat)> {
        (0..).zip(&self.places).filter_map(|(number, place)| match place {
            Place::Parked(seat) => Some((number, seat)),
            Place::Away { .. } | Place::Free => None,
        })
    }
}
