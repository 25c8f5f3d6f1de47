//! The signal with what never ends: cut at the deadline of the drain, counted one by one, and in nobody else's way.

use std::time::Duration;

use graceful_drill::{Class, Clients, Pattern, Reading, Request};

use crate::drill::{Drills, equal};

const DRAIN: Duration = Duration::from_secs(1);

#[test]
fn stuck_handlers_and_clients_that_stop_reading() {
    const STUCK: u64 = 5;
    const STALLED: u64 = 10;
    let load =
        Clients::new(32, Pattern::KeepAlive { pipeline: 1 }).request(Request::get("/").expect_body("Hello, World!"));
    let stuck = Clients::new(STUCK as usize, Pattern::InFlight).request(Request::get("/stuck"));
    let reading = Reading::Stalled { after: 1000, resume: None };
    let stalled = Clients::new(STALLED as usize, Pattern::Download { reading })
        .request(Request::get("/download?bytes=100000000"));
    Drills::new("stuck handlers, clients that stop reading", DRAIN).drain("1s").run(
        |drill| drill.group("load", load.clone()).group("stuck", stuck.clone()).group("stalled", stalled.clone()),
        |round| {
            let group = |name| round.seen.group(name).expect("it is there");
            equal("losses of the others", &group("load").losses(), &0)?;
            equal("stuck", &group("stuck").count(Class::Ended), &STUCK)?;
            equal("stalled", &group("stalled").count(Class::Forfeited), &STALLED)?;
            // The service knows of each of them.
            let report = round.exit.report();
            equal("exit code", &round.exit.code, &Some(3))?;
            equal("cut", &report["connections"]["cut"], &(STUCK + STALLED).into())?;
            let answered = group("load").count(Class::Answered);
            equal("answered", &report["requests"]["answered"], &answered.into())?;
            equal("received", &report["requests"]["received"], &(answered + STUCK + STALLED).into())?;
            let took = round.exit.took.unwrap_or_default();
            if took < DRAIN { Err(format!("it ended after {took:?}, before the deadline")) } else { Ok(()) }
        },
    );
}
