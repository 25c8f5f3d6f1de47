//! The drill against the reference service: nobody who orders, looks or comes at the instant of the signal is let down.

use std::time::Duration;

use graceful_drill::{Class, Clients, Closing, Drill, Pattern, Request};
use graceful_tests::{PATIENCE, Signal};

use crate::service::{Acknowledged, Shop};

const ROUNDS: usize = 3;

#[test]
fn a_drill() {
    let tea = Request::post("/orders", br#"{"item":"tea","quantity":2}"#.to_vec());
    let keep_alive = || Pattern::KeepAlive { pipeline: 1 };
    for _ in 0..ROUNDS {
        let shop = Shop::new();
        let service = shop.start();
        let drill = Drill::new(service.address())
            .warm_up(Duration::from_millis(300))
            .deadline(PATIENCE)
            .group("orders", Clients::new(16, keep_alive()).request(tea.clone()))
            .group("deep", Clients::new(4, Pattern::KeepAlive { pipeline: 8 }).request(tea.clone()))
            .group("single", Clients::new(8, Pattern::PerRequest { closing: Closing::Asked }).request(tea.clone()))
            .group("looks", Clients::new(8, keep_alive()).request(Request::get("/orders?after=1000000")))
            .group("crowd", Clients::new(50, Pattern::Storm { spread: Duration::ZERO }).request(tea.clone()));
        let seen = drill.run(|| service.signal(Signal::SIGTERM)).expect("it can be run");
        let exit = service.wait(PATIENCE);
        assert_eq!(seen.losses(), 0, "{seen} {exit}");
        exit.expect_code(0).expect_outcome("clean").expect_answered(seen.count(Class::Answered));
        let looks =
            seen.groups.iter().find(|group| group.name == "looks").map(|group| group.counts.of(Class::Answered));
        let ordered = seen.count(Class::Answered) - looks.expect("a group");
        shop.expect_complete(&Acknowledged::new());
        assert_eq!(shop.audit().len() as u64, ordered, "one order for each answer: {seen}");
    }
}
