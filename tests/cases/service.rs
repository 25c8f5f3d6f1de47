//! The reference service does what its first lines say. What the cases `service_…` share is here, too.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use graceful::sqlite::rusqlite::{Connection, OpenFlags};
use graceful_tests::ws::{Heard, Ws};
use graceful_tests::{Http, PATIENCE, Running, Service, Signal, post};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::examples::{expect_served, wait_until_refused};

/// A place for the service's data, over several runs.
pub(crate) struct Shop {
    data: TempDir,
    env: Vec<(&'static str, String)>,
}

/// What was acknowledged: the id, the item and the quantity.
pub(crate) type Acknowledged = BTreeMap<i64, (String, i64)>;

/// Clients that order one thing after the other, until nobody listens any more.
pub(crate) struct Buyers {
    threads: Vec<JoinHandle<Bought>>,
    acknowledged: Arc<AtomicUsize>,
    refused: Arc<AtomicUsize>,
}

/// What buyers saw.
#[derive(Debug, Default)]
pub(crate) struct Bought {
    pub(crate) acknowledged: Acknowledged,
    /// Answers other than 201, by status, with the text of one of them.
    pub(crate) refused: BTreeMap<u16, (usize, String)>,
    /// Orders that were sent and whose answer never came: nobody knows.
    pub(crate) unknown: usize,
}

impl Shop {
    pub(crate) fn new() -> Self {
        Self { data: TempDir::with_prefix("graceful-shop-").expect("a temporary directory"), env: Vec::new() }
    }

    /// Sets a variable for all runs.
    pub(crate) fn env(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.env.push((name, value.into()));
        self
    }

    pub(crate) fn data(&self) -> &Path {
        self.data.path()
    }

    pub(crate) fn service(&self) -> Service {
        let service = Service::example("service")
            .env("ADDR", "127.0.0.1:0")
            .env("ADMIN_ADDR", "127.0.0.1:0")
            .env("DATA_DIR", self.data());
        self.env.iter().fold(service, |service, (name, value)| service.env(name, value))
    }

    pub(crate) fn start(&self) -> Running {
        self.service().start()
    }

    /// The orders of the audit log; no id may be there twice.
    #[track_caller]
    pub(crate) fn audit(&self) -> Acknowledged {
        let text = fs::read_to_string(self.data().join("audit")).expect("an audit log");
        assert!(text.is_empty() || text.ends_with('\n'), "half a line at the end of the audit log");
        let mut orders = Acknowledged::new();
        for line in text.lines() {
            let order: Value = serde_json::from_str(line).unwrap_or_else(|error| panic!("{line:?}: {error}"));
            let (id, order) = parse(&order);
            assert!(orders.insert(id, order).is_none(), "order {id} is in the audit log twice");
        }
        orders
    }

    /// The orders of the SQLite database, and how many are in the outbox.
    #[track_caller]
    pub(crate) fn sqlite(&self) -> (Acknowledged, i64) {
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE;
        let db = Connection::open_with_flags(self.data().join("orders.db"), flags).expect("a database");
        let intact: String = db.query_row("PRAGMA integrity_check", [], |row| row.get(0)).expect("a check");
        assert_eq!(intact, "ok");
        let mut orders = db.prepare("SELECT id, item, quantity FROM orders").expect("a table");
        let orders = orders.query_map([], |row| Ok((row.get(0)?, (row.get(1)?, row.get(2)?)))).expect("orders");
        let orders = orders.collect::<Result<_, _>>().expect("orders");
        let outbox = db.query_row("SELECT count(*) FROM outbox", [], |row| row.get(0)).expect("an outbox");
        (orders, outbox)
    }

    /// Locks the SQLite database against other writers, until it is dropped.
    pub(crate) fn lock(&self) -> Connection {
        let db = Connection::open(self.data().join("orders.db")).expect("a database");
        db.busy_timeout(PATIENCE).expect("a number");
        db.execute_batch("BEGIN IMMEDIATE").expect("a lock");
        db
    }

    /// Everything acknowledged is in the database and in the audit log, which are equal, and nothing is left to be done.
    #[track_caller]
    pub(crate) fn expect_complete(&self, acknowledged: &Acknowledged) {
        let (orders, outbox) = self.sqlite();
        expect_all("the database", &orders, acknowledged);
        let audit = self.audit();
        expect_all("the audit log", &audit, acknowledged);
        assert!(audit == orders, "{} orders in the audit log, {} in the database", audit.len(), orders.len());
        assert_eq!(outbox, 0, "orders in the outbox");
    }
}

impl Buyers {
    /// So many clients in closed loops.
    pub(crate) fn start(address: SocketAddr, count: usize) -> Self {
        let (acknowledged, refused) = (Arc::<AtomicUsize>::default(), Arc::<AtomicUsize>::default());
        let buyer = |nth| {
            let (acknowledged, refused) = (Arc::clone(&acknowledged), Arc::clone(&refused));
            thread::spawn(move || buy(address, nth, &acknowledged, &refused))
        };
        Self { threads: (0..count).map(buyer).collect(), acknowledged, refused }
    }

    /// Waits until so many orders are acknowledged.
    #[track_caller]
    pub(crate) fn wait(&self, count: usize) {
        self.wait_for(&self.acknowledged, count);
    }

    /// Waits until so many orders are refused.
    #[track_caller]
    pub(crate) fn wait_refused(&self, count: usize) {
        self.wait_for(&self.refused, count);
    }

    #[track_caller]
    fn wait_for(&self, counter: &AtomicUsize, count: usize) {
        let began = Instant::now();
        while counter.load(Ordering::Relaxed) < count {
            assert!(began.elapsed() < PATIENCE, "{count} orders take longer than {PATIENCE:?}");
            assert!(self.threads.iter().any(|thread| !thread.is_finished()), "all buyers have gone");
            thread::sleep(Duration::from_millis(1));
        }
    }

    pub(crate) fn join(self) -> Bought {
        let mut all = Bought::default();
        for thread in self.threads {
            let bought = thread.join().expect("a buyer does not panic");
            all.unknown += bought.unknown;
            for (status, (count, text)) in bought.refused {
                all.refused.entry(status).or_insert((0, text)).0 += count;
            }
            for (id, order) in bought.acknowledged {
                assert!(all.acknowledged.insert(id, order).is_none(), "two orders have the id {id}");
            }
        }
        all
    }
}

fn buy(address: SocketAddr, nth: usize, acknowledged: &AtomicUsize, refused: &AtomicUsize) -> Bought {
    let mut bought = Bought::default();
    let item = ["tea", "coffee", "cake"][nth % 3].to_owned();
    let mut quantity = 0;
    'connections: while let Ok(mut client) = Http::connect(address) {
        loop {
            quantity = quantity % 1000 + 1;
            if client.send(order(&item, quantity)).is_err() {
                continue 'connections;
            }
            let Ok(answer) = client.answer() else {
                bought.unknown += 1;
                continue 'connections;
            };
            if answer.status == 201 {
                let json: Value = serde_json::from_slice(&answer.body).expect("an id");
                let id = json["id"].as_i64().expect("an id");
                assert!(bought.acknowledged.insert(id, (item.clone(), quantity)).is_none(), "{id} twice");
                acknowledged.fetch_add(1, Ordering::Relaxed);
            } else {
                let text = String::from_utf8_lossy(&answer.body).into_owned();
                bought.refused.entry(answer.status).or_insert((0, text)).0 += 1;
                refused.fetch_add(1, Ordering::Relaxed);
                thread::sleep(Duration::from_millis(5));
            }
            if answer.closes() {
                continue 'connections;
            }
        }
    }
    bought
}

/// The request that orders something.
pub(crate) fn order(item: &str, quantity: i64) -> String {
    post("/orders", &json!({"item": item, "quantity": quantity}).to_string())
}

/// An order as it is shown.
pub(crate) fn parse(order: &Value) -> (i64, (String, i64)) {
    let item = order["item"].as_str().expect("an item").to_owned();
    (order["id"].as_i64().expect("an id"), (item, order["quantity"].as_i64().expect("a quantity")))
}

#[track_caller]
pub(crate) fn expect_all(place: &str, orders: &Acknowledged, acknowledged: &Acknowledged) {
    let missing: Vec<_> = acknowledged.iter().filter(|(id, order)| orders.get(id) != Some(order)).collect();
    assert!(
        missing.is_empty(),
        "{} of {} acknowledged orders are not in {place}, as {:?}",
        missing.len(),
        acknowledged.len(),
        missing[0]
    );
}

/// Listens to the feed until the service closes it with 1001; what came, each order once and in order.
pub(crate) fn listen(address: SocketAddr, after: i64) -> JoinHandle<Acknowledged> {
    let mut feed = Ws::open(address, &format!("/feed?after={after}"));
    thread::spawn(move || {
        let mut heard = Acknowledged::new();
        let mut told = false;
        loop {
            match feed.hear() {
                Heard::Text(text) if text == r#"{"type":"ServerShutdown"}"# => told = true,
                Heard::Text(text) => {
                    let (id, order) = parse(&serde_json::from_str(&text).expect("an order"));
                    assert!(heard.keys().last().is_none_or(|last| *last < id), "{id} is late");
                    heard.insert(id, order);
                }
                Heard::Close(1001, _) => break,
                other => panic!("{other:?}"),
            }
        }
        assert!(told, "a good-bye without a farewell");
        // The service is not kept waiting.
        let _ = feed.send(graceful_tests::ws::close(1001, ""));
        heard
    })
}

#[test]
fn service() {
    let shop = Shop::new();
    let service = shop.start();
    let mut client = Http::connect(service.address()).expect("it listens");
    assert_eq!(client.get("/orders").text(), r#"{"orders":[]}"#);
    let answer = client.ask(order("tea", 2)).expect("answered");
    answer.expect(201, r#"{"id":1}"#);
    assert_eq!(client.get("/orders/1").text(), r#"{"id":1,"item":"tea","quantity":2}"#);
    assert_eq!(client.get("/orders/1").text(), r#"{"id":1,"item":"tea","quantity":2}"#, "from the cache");
    let long = "x".repeat(201);
    for (body, why) in [
        ("", "JSON"),
        ("tea", "JSON"),
        (r#"{"item":"tea"}"#, r#"{"item":"tea","quantity":2}"#),
        (r#"{"item":"tea","quantity":"2"}"#, r#"{"item":"tea","quantity":2}"#),
        (r#"{"item":"tea","quantity":0}"#, "from 1"),
        (r#"{"item":"tea","quantity":-1}"#, "from 1"),
        (r#"{"item":"tea","quantity":1000001}"#, "to 1000000"),
        (r#"{"item":"","quantity":1}"#, "1 to 200"),
        (&json!({"item": long, "quantity": 1}).to_string(), "1 to 200"),
    ] {
        let answer = client.ask(post("/orders", body)).expect("answered");
        assert!(answer.status == 400 && answer.text().contains(why), "{body:?}: {answer:?}");
    }
    for (path, status) in [
        ("/orders/2", 404),
        ("/orders/0", 404),
        ("/orders/x", 400),
        ("/orders?after=x", 400),
        ("/", 404),
        ("/feed", 426),
    ] {
        assert_eq!(client.get(path).status, status, "{path}");
    }
    let listener = listen(service.address(), 0);
    let mut half = Http::connect(service.address()).expect("it listens");
    let text = order("coffee", 1);
    half.send(&text[..text.len() - 10]).expect("it reads");
    service.signal(Signal::SIGTERM);
    client.expect_end();
    wait_until_refused(service.address());
    half.send(&text[text.len() - 10..]).expect("it reads");
    let answer = half.answer().expect("answered");
    answer.expect(201, r#"{"id":2}"#);
    half.expect_end();
    let heard = listener.join().expect("a good-bye");
    assert_eq!(heard.first_key_value(), Some((&1, &("tea".to_owned(), 2))));
    let exit = service.wait(PATIENCE);
    expect_served(&exit, 3);
    let hooks = "deliver_the_rest=completed cache=completed db=completed external_services=completed probes=completed";
    assert_eq!(exit.hooks(), hooks, "{exit}");
    for task in ["relay_orders", "summarize"] {
        assert_eq!(exit.task(task)["outcome"], "stopped", "{exit}");
    }
    exit.line("cache: hits=1 misses=");
    let names = fs::read_dir(shop.data()).expect("it is there").flatten().map(|entry| entry.file_name());
    let names: BTreeSet<_> = names.map(|name| name.into_string().expect("text")).collect();
    assert_eq!(
        names,
        BTreeSet::from(["audit", "metrics.prom", "orders.db", "summary"].map(str::to_owned)),
        "nothing else is left"
    );
    shop.expect_complete(&Acknowledged::from([(1, ("tea".into(), 2)), (2, ("coffee".into(), 1))]));

    let service = shop.start();
    let mut client = Http::connect(service.address()).expect("it listens");
    let coffee = r#"{"orders":[{"id":2,"item":"coffee","quantity":1}]}"#;
    assert_eq!(client.get("/orders?after=1").text(), coffee);
    assert_eq!(client.get("/demand").text(), r#"{"coffee":1,"tea":2}"#);
    drop(client);
    let exit = service.stop();
    expect_served(&exit, 1);
    exit.expect_within(Duration::ZERO);
}
