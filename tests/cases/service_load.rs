//! The reference service is told to stop while buyers order in closed loops: whatever was acknowledged is there.

use std::time::Duration;

use graceful_tests::{Http, PATIENCE, Signal};

use crate::service::{Buyers, Shop, expect_all, listen};

const ROUNDS: usize = 3;

#[test]
fn sigterm_under_writes() {
    for _ in 0..ROUNDS {
        let shop = Shop::new();
        let service = shop.start();
        let listener = listen(service.address(), 0);
        let buyers = Buyers::start(service.address(), 12);
        buyers.wait(300);
        service.signal(Signal::SIGTERM);
        let bought = buyers.join();
        let heard = listener.join().expect("a good-bye");
        let exit = service.wait(PATIENCE);
        exit.expect_code(0).expect_outcome("clean").expect_within(Duration::from_secs(5));
        assert!(bought.refused.is_empty() && bought.unknown == 0, "{bought:?} {exit}");
        shop.expect_complete(&bought.acknowledged);
        // Who listens again gets what came after the good-bye.
        let service = shop.start();
        let last = heard.keys().last().copied().unwrap_or_default();
        let rest = listen(service.address(), last);
        let sums = Http::connect(service.address()).expect("it listens").get("/demand").text();
        service.signal(Signal::SIGTERM);
        let rest = rest.join().expect("a good-bye");
        service.wait(PATIENCE).expect_code(0);
        assert!(rest.keys().all(|id| !heard.contains_key(id)), "nothing comes twice");
        let heard = heard.into_iter().chain(rest).collect();
        expect_all("the feed", &heard, &bought.acknowledged);
        let (orders, _) = shop.sqlite();
        for item in ["tea", "coffee", "cake"] {
            let sum: i64 = orders.values().filter(|order| order.0 == item).map(|order| order.1).sum();
            assert!(sums.contains(&format!("\"{item}\":{sum}")), "{sum} {item} were ordered: {sums}");
        }
    }
}

/// The database has another writer, so that all connections are out and more wait for one when the signal comes.
#[test]
fn all_connections_are_out_at_the_signal() {
    let shop = Shop::new().env("SHUTDOWN_DRAIN", "10s");
    let service = shop.start();
    let buyers = Buyers::start(service.address(), 24);
    buyers.wait(50);
    let other = shop.lock();
    service.signal(Signal::SIGTERM);
    std::thread::sleep(Duration::from_millis(700));
    drop(other);
    let bought = buyers.join();
    let exit = service.wait(PATIENCE);
    exit.expect_code(0).expect_outcome("clean");
    shop.expect_complete(&bought.acknowledged);
}

/// The other writer does not end: what waits for it is cut at the drain's deadline, and the process ends in time.
#[test]
fn a_database_that_is_locked_for_ever() {
    let shop = Shop::new();
    let shop = shop.env("SHUTDOWN_DRAIN", "1s").env("SHUTDOWN_DELIVER_THE_REST_TIMEOUT", "2s");
    let shop = shop.env("SHUTDOWN_CACHE_TIMEOUT", "2s").env("SHUTDOWN_DB_TIMEOUT", "2s").env("SHUTDOWN_TASKS", "1s");
    let service = shop.start();
    let buyers = Buyers::start(service.address(), 8);
    buyers.wait(50);
    let other = shop.lock();
    service.signal(Signal::SIGTERM);
    let mut bought = buyers.join();
    let exit = service.wait(PATIENCE);
    exit.expect_code(3).expect_within(Duration::from_secs(7));
    assert!(exit.incomplete().iter().any(|line| line.contains("deliver_the_rest")), "{exit}");
    // Who waited for the lock came back when it was cancelled.
    assert!(!exit.has("cancelled in vain") && !exit.has("did not come back in time"), "{exit}");
    drop(other);
    let service = shop.start();
    let again = Buyers::start(service.address(), 2);
    again.wait(10);
    service.signal(Signal::SIGTERM);
    bought.acknowledged.extend(again.join().acknowledged);
    service.wait(PATIENCE).expect_code(0);
    shop.expect_complete(&bought.acknowledged);
}
