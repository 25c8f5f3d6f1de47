//! The signal while clients wait: for an answer, or to be let in.

use std::time::Duration;

use graceful_drill::{Clients, Pattern, Request};

use crate::drill::Drills;

#[test]
fn two_hundred_in_flight() {
    let clients = Clients::new(200, Pattern::InFlight).request(Request::get("/work?ms=500").expect_body("done\n"));
    Drills::new("200 requests of 500 ms in flight", Duration::from_millis(800))
        .lose_nothing(|drill| drill.group("in flight", clients.clone()));
}

#[test]
fn in_the_accept_queue() {
    for (name, number) in [("50 in the accept queue", 50), ("500 in the accept queue", 500)] {
        let clients = Clients::new(number, Pattern::Queued).request(Request::get("/").expect_body("Hello, World!"));
        let drills = Drills::new(name, Duration::from_millis(300)).held();
        drills.lose_nothing(|drill| drill.group("queued", clients.clone()));
    }
}
