//! What is still open, for the report of a drain that ran into its deadline.

use std::time::Duration;

use super::core::Core;
use super::endpoint::PeerAddress;
use super::registry::Activity;
use crate::clock;

/// As many are described; of more, the number says enough.
const LISTED: usize = 16;

/// What is open at one instant.
#[derive(Debug)]
pub(crate) struct OpenConnections {
    /// How many there are, those included whose socket is closed while their handler runs on.
    #[allow(dead_code, reason = "for the line that says how many more there were")]
    pub(crate) total: usize,
    /// Up to 16 of them: at work before idle, then by age.
    pub(crate) listed: Vec<OpenConnection>,
}

/// One connection, or what is left of it.
#[derive(Clone, Debug)]
pub(crate) struct OpenConnection {
    /// As logs call it.
    pub(crate) id: u64,
    /// `None` when the connection itself is closed and only its handler runs on.
    pub(crate) peer: Option<PeerAddress>,
    /// Since it was accepted; `None` likewise.
    pub(crate) age: Option<Duration>,
    pub(crate) activity: Activity,
    /// The kernel's number of the thread that its handler runs on; `None` while it waits for a worker, for an adopted
    /// connection, and for one that its handler gave to another thread.
    pub(crate) thread: Option<u64>,
}

impl OpenConnections {
    pub(super) fn look(core: &Core) -> Self {
        let now = clock::now();
        // Before the table: a connection that ends in between is then taken for a handler that runs on, which it is.
        let mut threads = core.pool.serving();
        threads.extend(core.crew.serving());
        let mut all = Vec::new();
        core.registry.each(|conn| {
            let thread = threads.iter().position(|(connection, _)| *connection == conn.id);
            all.push(OpenConnection {
                id: conn.id,
                peer: Some(conn.peer.clone()),
                age: Some(now.saturating_duration_since(conn.since)),
                activity: conn.activity(),
                thread: thread.map(|place| threads.swap_remove(place).1),
            });
        });
        all.extend(threads.into_iter().map(|(id, thread)| OpenConnection {
            id,
            peer: None,
            age: None,
            activity: Activity::Busy,
            thread: Some(thread),
        }));
        let total = all.len();
        let key = |one: &OpenConnection| (!matches!(one.activity, Activity::Busy | Activity::LastRequest), one.id);
        let mut listed: Vec<OpenConnection> = Vec::new();
        for one in all {
            let at = listed.partition_point(|other| key(other) < key(&one));
            if at < LISTED {
                listed.truncate(LISTED - 1);
                listed.insert(at, one);
            }
        }
        Self { total, listed }
    }
}
