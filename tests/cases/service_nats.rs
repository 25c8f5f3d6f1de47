//! The reference service publishes to NATS: what was acknowledged is published, whatever happens to it or to the server.

use std::time::Duration;

use graceful_tests::nats::{NatsClient, NatsServer};
use graceful_tests::{PATIENCE, Signal};

use crate::service::{Acknowledged, Buyers, Shop, expect_all, parse};
use crate::service_kill::kill_again_and_again;

/// What a subscriber has heard, each order once.
pub(crate) fn published(subscriber: &NatsClient) -> Acknowledged {
    let messages = subscriber.messages();
    messages.iter().map(|text| parse(&serde_json::from_str(text).expect("an order"))).collect()
}

fn subscribed(nats: &NatsServer) -> NatsClient {
    let mut subscriber = nats.client();
    subscriber.subscribe("orders");
    subscriber
}

#[test]
fn each_order_is_published_once_when_nothing_goes_wrong() {
    let nats = NatsServer::start();
    let shop = Shop::new().env("NATS_URL", nats.url());
    let mut subscriber = subscribed(&nats);
    let service = shop.start();
    let buyers = Buyers::start(service.address(), 8);
    buyers.wait(300);
    service.signal(Signal::SIGTERM);
    let bought = buyers.join();
    let exit = service.wait(PATIENCE);
    exit.expect_code(0).expect_outcome("clean").expect_within(Duration::from_secs(5));
    subscriber.flush();
    let messages = subscriber.messages().len();
    assert_eq!((nats.connections(), messages), (0, bought.acknowledged.len()), "{exit}");
    expect_all("NATS", &published(&subscriber), &bought.acknowledged);
    shop.expect_complete(&bought.acknowledged);
}

/// The server is gone or hangs during the drain: orders wait in the outbox for the next start.
#[test]
fn the_server_is_killed_or_frozen_during_the_drain() {
    let mut nats = NatsServer::start();
    let shop = Shop::new().env("NATS_URL", nats.url());
    for killed in [true, false] {
        let mut early = subscribed(&nats);
        let service = shop.start();
        let buyers = Buyers::start(service.address(), 8);
        buyers.wait(50);
        early.flush();
        if killed {
            nats.daemon().kill();
        } else {
            nats.daemon().freeze();
        }
        buyers.wait(100);
        service.signal(Signal::SIGTERM);
        let bought = buyers.join();
        let exit = service.wait(PATIENCE);
        exit.expect_code(3).expect_incomplete("orders wait in the outbox for the next start");
        exit.expect_within(Duration::from_secs(20));
        if killed {
            nats.daemon().restart();
        } else {
            nats.daemon().thaw();
        }
        let mut late = subscribed(&nats);
        shop.start().stop().expect_code(0).expect_outcome("clean");
        late.flush();
        let all = published(&early).into_iter().chain(published(&late)).collect();
        expect_all("NATS", &all, &bought.acknowledged);
        shop.expect_complete(&bought.acknowledged);
    }
}

#[test]
fn the_server_is_restarted() {
    let mut nats = NatsServer::start();
    let shop = Shop::new().env("NATS_URL", nats.url());
    let mut early = subscribed(&nats);
    let service = shop.start();
    let buyers = Buyers::start(service.address(), 8);
    buyers.wait(50);
    early.flush();
    nats.daemon().kill();
    buyers.wait(100);
    // It must not find the server before somebody listens there: what nobody is subscribed to is gone.
    service.signal(Signal::SIGSTOP);
    service.wait_stopped();
    nats.daemon().restart();
    let mut late = subscribed(&nats);
    service.signal(Signal::SIGCONT);
    buyers.wait(150);
    // It may still be looking for the server; then it exits with 3 and the next one publishes the rest.
    service.signal(Signal::SIGTERM);
    let bought = buyers.join();
    let exit = service.wait(PATIENCE);
    assert!(matches!(exit.code, Some(0 | 3)), "{exit}");
    shop.start().stop().expect_code(0);
    late.flush();
    let all = published(&early).into_iter().chain(published(&late)).collect();
    expect_all("NATS", &all, &bought.acknowledged);
    shop.expect_complete(&bought.acknowledged);
}

#[test]
fn killed_at_random_instants_of_the_shutdown() {
    let nats = NatsServer::start();
    let shop = Shop::new().env("NATS_URL", nats.url());
    let mut subscriber = subscribed(&nats);
    let acknowledged = kill_again_and_again(&shop);
    shop.start().stop().expect_code(0).expect_outcome("clean");
    shop.expect_complete(&acknowledged);
    subscriber.flush();
    expect_all("NATS", &published(&subscriber), &acknowledged);
}
