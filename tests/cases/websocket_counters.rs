//! What is counted can be asked for while it is served.

use std::collections::BTreeMap;
use std::time::Instant;

use graceful_tests::ws::{Heard, close};
use graceful_tests::{Http, PATIENCE, Running};

use crate::websocket::{expect_counts, opened, websocket};

fn counts(service: &Running) -> BTreeMap<String, u64> {
    let text = Http::connect(service.address()).expect("it listens").get("/counters").expect_status(200).text();
    let counts = text.lines().filter_map(|line| line.strip_prefix("websockets ")?.split_once('='));
    counts.map(|(name, value)| (name.to_owned(), value.parse().expect("a number"))).collect()
}

#[test]
fn counters_at_run_time() {
    let service = websocket().start();
    let at_first = counts(&service);
    assert!(at_first.values().all(|value| *value == 0), "{at_first:?}");
    let mut clients = opened(&service, 3, "/echo");
    let busy = counts(&service);
    assert_eq!([busy["opened"], busy["closed"], busy["received"], busy["sent"]], [3, 0, 3, 3], "{busy:?}");
    let mut leaving = clients.remove(0);
    leaving.send(close(1000, "")).expect("it is open");
    assert_eq!(leaving.next().expect("a good-bye"), Heard::Close(1000, String::new()));
    // A connection ends a moment after its Close, and there is no event for it.
    let deadline = Instant::now() + PATIENCE;
    while counts(&service)["closed"] == 0 {
        assert!(Instant::now() < deadline, "it is not counted; {service}");
    }
    assert_eq!(counts(&service)["told"], 0);
    drop(clients);
    let exit = service.stop();
    expect_counts(&exit, &[("opened", 3), ("received", 3), ("sent", 3), ("errors", 0)]);
}
