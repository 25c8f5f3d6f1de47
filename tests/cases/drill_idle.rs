//! The signal with ten thousand idle connections, on some of which a request is under way.

use std::time::Duration;

use graceful_drill::{Clients, Late, Pattern};

use crate::drill::{Drills, equal};

#[test]
fn ten_thousand() {
    const ALL: usize = 10_000;
    const LATE: usize = 200;
    let late = Some(Late { clients: LATE, after: Duration::from_millis(10) });
    let clients = Clients::new(ALL, Pattern::Idle { late });
    Drills::new("10 000 idle connections", Duration::from_millis(500)).run(
        |drill| drill.group("idle", clients.clone()),
        |round| {
            round.lost_nothing()?;
            round.answered_as_counted()?;
            equal("answers", &round.exit.report()["requests"]["answered"], &(ALL + LATE).into())?;
            equal("resets", &round.seen.total.connections.reset_idle, &0)
        },
    );
}
