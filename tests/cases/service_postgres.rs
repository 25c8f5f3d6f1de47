//! The reference service on PostgreSQL, Redis and NATS: the same promises, and servers that are killed, frozen or restarted.

use std::time::Duration;

use graceful_tests::nats::NatsServer;
use graceful_tests::postgres::Postgres;
use graceful_tests::redis::RedisServer;
use graceful_tests::{Http, PATIENCE, Signal};

use crate::service::{Acknowledged, Buyers, Shop, expect_all, listen};
use crate::service_nats::published;
use crate::service_start::expect_failed;

/// As the server calls its connections.
const NAME: &str = "service";

fn shop(postgres: &Postgres) -> Shop {
    let shop = Shop::new().env("DATABASE_URL", postgres.url());
    shop.env("SHUTDOWN_DRAIN", "2s").env("SHUTDOWN_TASKS", "1s").env("SHUTDOWN_DELIVER_THE_REST_TIMEOUT", "1s")
}

/// No step of these shops takes longer: drain, tasks, delivery and cache, database, services, flush.
fn limit() -> Duration {
    Duration::from_secs(2 + 1 + 5 + 5 + 5 + 1)
}

/// The orders of the database, and how many are in the outbox.
fn orders(postgres: &Postgres) -> (Acknowledged, i64) {
    let mut client = postgres.connect();
    let rows = client.query("SELECT id, item, quantity FROM orders", &[]).expect("orders");
    let orders = rows.iter().map(|row| (row.get(0), (row.get(1), row.get(2)))).collect();
    (orders, client.query_one("SELECT count(*) FROM outbox", &[]).expect("an outbox").get(0))
}

/// Everything acknowledged is in the database and in the audit log, which are equal, and nothing is left to be done.
#[track_caller]
fn expect_complete(shop: &Shop, postgres: &Postgres, acknowledged: &Acknowledged) {
    let (orders, outbox) = orders(postgres);
    expect_all("the database", &orders, acknowledged);
    let audit = shop.audit();
    expect_all("the audit log", &audit, acknowledged);
    assert!(audit == orders, "{} orders in the audit log, {} in the database", audit.len(), orders.len());
    assert_eq!(outbox, 0, "orders in the outbox");
}

/// The next start finishes what was left.
#[track_caller]
fn expect_recovers(shop: &Shop, postgres: &Postgres, acknowledged: &Acknowledged) {
    shop.start().stop().expect_code(0).expect_outcome("clean");
    expect_complete(shop, postgres, acknowledged);
    postgres.wait_no_connection_of(NAME);
}

#[test]
fn sigterm_under_writes() {
    let (postgres, redis, nats) = (Postgres::start(), RedisServer::start(), NatsServer::start());
    let shop = shop(&postgres).env("REDIS_URL", redis.url()).env("NATS_URL", nats.url());
    let mut subscriber = nats.client();
    subscriber.subscribe("orders");
    for round in 0..2 {
        let service = shop.start();
        let last = orders(&postgres).0.keys().last().copied().unwrap_or_default();
        let listener = listen(service.address(), last);
        let buyers = Buyers::start(service.address(), 12);
        buyers.wait(300);
        service.signal(Signal::SIGTERM);
        let bought = buyers.join();
        let heard = listener.join().expect("a good-bye");
        let exit = service.wait(PATIENCE);
        exit.expect_code(0).expect_outcome("clean").expect_within(Duration::from_secs(5));
        assert!(bought.refused.is_empty() && bought.unknown == 0, "{round}: {bought:?} {exit}");
        exit.line("redis: ");
        expect_complete(&shop, &postgres, &bought.acknowledged);
        subscriber.flush();
        expect_all("NATS", &published(&subscriber), &bought.acknowledged);
        let left = (postgres.connections_of(NAME), redis.connections(), nats.connections());
        assert_eq!(left, (0, 0, 0), "connections are left: {exit}");
        let service = shop.start();
        let last = heard.keys().last().copied().unwrap_or_default();
        let rest = listen(service.address(), last);
        let sums = Http::connect(service.address()).expect("it listens").get("/demand").text();
        service.signal(Signal::SIGTERM);
        let heard = heard.into_iter().chain(rest.join().expect("a good-bye")).collect();
        service.wait(PATIENCE).expect_code(0);
        expect_all("the feed", &heard, &bought.acknowledged);
        for item in ["tea", "coffee", "cake"] {
            let sum: i64 = orders(&postgres).0.values().filter(|order| order.0 == item).map(|order| order.1).sum();
            assert!(sums.contains(&format!("\"{item}\":{sum}")), "{sum} {item} were ordered: {sums}");
        }
    }
}

/// Queries that wait for a lock are all that the pool has; at the database's deadline they are cancelled.
#[test]
fn queries_that_do_not_end_are_cancelled() {
    let postgres = Postgres::start();
    let shop = shop(&postgres).env("SHUTDOWN_DB_TIMEOUT", "2s").env("SHUTDOWN_CACHE_TIMEOUT", "1s");
    let service = shop.start();
    let buyers = Buyers::start(service.address(), 16);
    buyers.wait(50);
    let mut other = postgres.connect();
    let mut lock = other.transaction().expect("a transaction");
    lock.batch_execute("LOCK TABLE orders IN ACCESS EXCLUSIVE MODE").expect("a lock");
    service.signal(Signal::SIGTERM);
    let bought = buyers.join();
    let exit = service.wait(PATIENCE);
    exit.expect_code(3).expect_incomplete("connections were cut").expect_within(Duration::from_secs(8));
    postgres.wait_no_connection_of(NAME);
    drop(lock);
    expect_recovers(&shop, &postgres, &bought.acknowledged);
}

#[test]
fn all_connections_are_out_at_the_signal() {
    let postgres = Postgres::start();
    let shop = shop(&postgres).env("SHUTDOWN_DRAIN", "10s");
    let service = shop.start();
    let buyers = Buyers::start(service.address(), 24);
    buyers.wait(50);
    let mut other = postgres.connect();
    let mut lock = other.transaction().expect("a transaction");
    lock.batch_execute("LOCK TABLE orders IN ACCESS EXCLUSIVE MODE").expect("a lock");
    service.signal(Signal::SIGTERM);
    std::thread::sleep(Duration::from_millis(700));
    lock.rollback().expect("it is there");
    let bought = buyers.join();
    let exit = service.wait(PATIENCE);
    exit.expect_code(0).expect_outcome("clean");
    assert!(bought.refused.is_empty() && bought.unknown == 0, "{bought:?} {exit}");
    expect_complete(&shop, &postgres, &bought.acknowledged);
}

#[test]
fn the_database_is_killed_during_the_drain() {
    let mut postgres = Postgres::start();
    let shop = shop(&postgres);
    let service = shop.start();
    let buyers = Buyers::start(service.address(), 8);
    buyers.wait(100);
    service.signal(Signal::SIGTERM);
    postgres.kill();
    let bought = buyers.join();
    let exit = service.wait(PATIENCE);
    exit.expect_within(limit());
    assert!(matches!(exit.code, Some(0 | 3)), "{exit}");
    postgres.restart();
    expect_recovers(&shop, &postgres, &bought.acknowledged);
}

#[test]
fn the_database_is_frozen_during_the_drain() {
    let postgres = Postgres::start();
    let shop = shop(&postgres);
    let service = shop.start();
    let buyers = Buyers::start(service.address(), 8);
    buyers.wait(100);
    postgres.freeze();
    service.signal(Signal::SIGTERM);
    let exit = service.wait(PATIENCE);
    exit.expect_code(3).expect_incomplete("connections were cut").expect_within(limit());
    postgres.thaw();
    let bought = buyers.join();
    postgres.wait_no_connection_of(NAME);
    expect_recovers(&shop, &postgres, &bought.acknowledged);
}

/// Who orders meanwhile is told to try again; afterwards everything goes on.
#[test]
fn the_database_is_restarted() {
    let mut postgres = Postgres::start();
    let shop = shop(&postgres);
    let service = shop.start();
    let buyers = Buyers::start(service.address(), 8);
    buyers.wait(50);
    postgres.kill();
    postgres.restart();
    buyers.wait(150);
    service.signal(Signal::SIGTERM);
    let bought = buyers.join();
    let exit = service.wait(PATIENCE);
    exit.expect_code(0).expect_outcome("clean");
    assert!(bought.refused.keys().all(|status| *status == 503), "{bought:?}");
    expect_complete(&shop, &postgres, &bought.acknowledged);
}

/// The demand is not written then, which is made good by the next start; no order depends on it.
#[test]
fn redis_is_killed_or_frozen() {
    let (postgres, mut redis) = (Postgres::start(), RedisServer::start());
    let shop = shop(&postgres).env("REDIS_URL", redis.url());
    for killed in [true, false] {
        let service = shop.start();
        let buyers = Buyers::start(service.address(), 8);
        buyers.wait(50);
        if killed {
            redis.daemon().kill();
        } else {
            redis.daemon().freeze();
        }
        buyers.wait(100);
        service.signal(Signal::SIGTERM);
        let bought = buyers.join();
        let exit = service.wait(PATIENCE);
        exit.expect_code(3).expect_within(limit());
        assert!(bought.refused.is_empty() && bought.unknown == 0, "{bought:?} {exit}");
        assert_eq!(exit.hook("cache")["outcome"], "failed", "{exit}");
        expect_complete(&shop, &postgres, &bought.acknowledged);
        if killed {
            redis.daemon().restart();
        } else {
            redis.daemon().thaw();
        }
        let service = shop.start();
        let sums = Http::connect(service.address()).expect("it listens").get("/demand").text();
        service.stop().expect_code(0);
        let sum: i64 = orders(&postgres).0.values().filter(|order| order.0 == "tea").map(|order| order.1).sum();
        assert!(sums.contains(&format!("\"tea\":{sum}")), "{sum} were ordered: {sums}");
    }
}

#[test]
fn starts_that_fail() {
    let mut postgres = Postgres::start();
    let exit = Shop::new().env("DATABASE_URL", postgres.url_with_password("wrong")).service().spawn().wait(PATIENCE);
    expect_failed(&exit, "password authentication failed");
    let right = shop(&postgres);
    let nobody = right.service().env("REDIS_URL", "redis://127.0.0.1:1").spawn().wait(PATIENCE);
    expect_failed(&nobody, "Redis");
    assert_eq!(nobody.hook("db")["outcome"], "completed", "the database had been opened: {nobody}");
    let nobody = right.service().env("NATS_URL", "nats://127.0.0.1:1").spawn().wait(PATIENCE);
    expect_failed(&nobody, "127.0.0.1:1");
    assert_eq!(nobody.hook("db")["outcome"], "completed", "the database had been opened: {nobody}");
    assert_eq!(postgres.connections_of(NAME), 0);
    postgres.kill();
    let exit = right.service().spawn().wait(PATIENCE);
    expect_failed(&exit, "PostgreSQL at");
    expect_failed(
        &Shop::new().env("DATABASE_URL", "nonsense").service().spawn().wait(PATIENCE),
        "the URL of PostgreSQL",
    );
}

#[test]
fn killed_at_random_instants_of_the_shutdown() {
    let postgres = Postgres::start();
    let shop = shop(&postgres);
    let acknowledged = crate::service_kill::kill_again_and_again(&shop);
    expect_recovers(&shop, &postgres, &acknowledged);
}
