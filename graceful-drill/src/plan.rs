//! A drill with everything resolved: it cannot be wrong any more.

use std::io;
use std::time::Duration;

use crate::pattern::{Begin, Closing, Part, Pattern, Reading};
use crate::request::Wanted;
use crate::target::{Place, Window};
use crate::{Clients, Drill};

#[derive(Debug)]
pub(crate) struct Plan {
    pub(crate) target: String,
    pub(crate) place: Place,
    pub(crate) groups: Vec<Group>,
    /// How long the load is measured.
    pub(crate) load: Duration,
    pub(crate) lead: Duration,
    pub(crate) deadline: Duration,
    pub(crate) patience: Duration,
}

#[derive(Debug)]
pub(crate) struct Group {
    pub(crate) name: String,
    pub(crate) clients: usize,
    pub(crate) pattern: Pattern,
    /// What is sent in one round.
    pub(crate) bytes: Vec<u8>,
    /// How many requests that is.
    pub(crate) batch: u32,
    /// The size of one of them.
    pub(crate) one: usize,
    /// How much of a round is sent at first.
    pub(crate) at_first: usize,
    pub(crate) wanted: Wanted,
    /// What an answer with `100 Continue` asks for is held back.
    pub(crate) awaits_continue: bool,
    pub(crate) rounds: u64,
    pub(crate) pause: Duration,
    pub(crate) window: Window,
}

impl Plan {
    pub(crate) fn of(drill: &Drill) -> io::Result<Self> {
        if drill.groups.is_empty() {
            return Err(invalid("a drill without clients"));
        }
        let host = drill.target.host();
        let group = |(name, clients): &(String, Clients)| {
            Group::of(name, clients, &host)
                .map_err(|error| io::Error::new(error.kind(), format!("the group {name:?}: {error}")))
        };
        Ok(Self {
            target: drill.target.to_string(),
            place: drill.target.resolve()?,
            groups: drill.groups.iter().map(group).collect::<io::Result<_>>()?,
            load: drill.warm_up,
            lead: drill.lead,
            deadline: drill.deadline,
            patience: drill.patience.unwrap_or(drill.deadline),
        })
    }

    pub(crate) fn of_load(drill: &Drill, duration: Duration) -> io::Result<Self> {
        let plan = Self::of(drill)?;
        let has_load = |group: &Group| matches!(group.pattern.begins(), Begin::Opening | Begin::Load);
        match plan.groups.iter().find(|group| !has_load(group)) {
            Some(group) => Err(invalid(&format!("the group {:?} waits for a signal that never comes", group.name))),
            None => Ok(Self { load: duration, ..plan }),
        }
    }
}

impl Group {
    fn of(name: &str, clients: &Clients, host: &str) -> io::Result<Self> {
        let pattern = clients.pattern.clone();
        let closes = matches!(pattern, Pattern::PerRequest { closing: Closing::Asked });
        let request = clients.request.render(host, closes)?;
        let batch = u32::try_from(pattern.batch()).map_err(|_| invalid("too many pipelined requests"))?;
        if batch == 0 {
            return Err(invalid("a pipeline of no requests"));
        }
        if batch > 1 && request.awaits_continue {
            return Err(invalid("a pipelined request cannot wait for 100 Continue"));
        }
        let one = request.bytes.len();
        let at_first = match &pattern {
            Pattern::Partial { part: Part::HalfBody, .. } if request.head == one => {
                return Err(invalid("half of a body that there is not"));
            }
            Pattern::Partial { part: Part::HalfBody, .. } => request.head + (one - request.head) / 2,
            Pattern::Partial { part: Part::HalfHead, .. } => request.head / 2,
            _ if request.awaits_continue => request.head,
            _ => one * batch as usize,
        };
        if let Pattern::Download { reading: Reading::Paced { bytes: 0, .. } } = pattern {
            return Err(invalid("reads of no bytes"));
        }
        Ok(Self {
            name: name.to_owned(),
            clients: clients.count,
            bytes: request.bytes.repeat(batch as usize),
            batch,
            one,
            at_first,
            wanted: request.wanted,
            awaits_continue: request.awaits_continue && !matches!(pattern, Pattern::Partial { .. }),
            rounds: clients.rounds.unwrap_or(u64::MAX),
            pause: clients.pause,
            window: if matches!(pattern, Pattern::Download { .. }) { Window::Small } else { Window::Default },
            pattern,
        })
    }
}

fn invalid(why: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidInput, why)
}
