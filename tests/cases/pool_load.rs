//! SIGTERM under write load: what was acknowledged is in the database, whichever it is.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::sync::mpsc::{self, Sender};
use std::thread;
use std::time::Duration;

use graceful::sqlite::rusqlite::Connection;
use graceful_tests::postgres::Postgres;
use graceful_tests::{Http, PATIENCE, Running, Service, Signal, post};
use tempfile::TempDir;

/// Clients that add orders, one after the other, until their connection ends. What is acknowledged is returned once the
/// service has been told to stop; `meanwhile` tells it, after the first hundred.
pub(crate) fn orders(service: &Running, meanwhile: impl FnOnce()) -> BTreeSet<String> {
    const CLIENTS: usize = 8;
    let address = service.address();
    let (acknowledged, told) = mpsc::channel();
    thread::scope(|scope| {
        let begin = |number| {
            let acknowledged = acknowledged.clone();
            scope.spawn(move || client(address, number, &acknowledged))
        };
        let clients: Vec<_> = (0..CLIENTS).map(begin).collect();
        for _ in 0..100 {
            told.recv_timeout(PATIENCE).unwrap_or_else(|_| panic!("nobody gets an answer; {service}"));
        }
        meanwhile();
        clients.into_iter().flat_map(|client| client.join().expect("no panic")).collect()
    })
}

fn client(address: SocketAddr, number: usize, acknowledged: &Sender<()>) -> Vec<String> {
    let mut items = Vec::new();
    let Ok(mut http) = Http::connect(address) else { return items };
    for order in 0.. {
        let item = format!("order {number} {order}");
        match http.ask(post("/orders", &item)) {
            Ok(answer) if answer.status == 201 => {
                items.push(item);
                // Nobody listens any more after the first hundred.
                let _ = acknowledged.send(());
                if answer.closes() {
                    break;
                }
            }
            // A trouble that passes.
            Ok(answer) if answer.status == 500 && !answer.closes() => {}
            _ => break,
        }
    }
    items
}

pub(crate) fn in_sqlite(file: &std::path::Path) -> BTreeSet<String> {
    let database = Connection::open(file).expect("it can be opened");
    let check: String = database.query_row("PRAGMA integrity_check", [], |row| row.get(0)).expect("it can be checked");
    assert_eq!(check, "ok");
    let mut query = database.prepare("SELECT item FROM orders").expect("there is a table");
    query.query_map([], |row| row.get(0)).expect("it can be read").map(|item| item.expect("text")).collect()
}

pub(crate) fn in_postgres(server: &Postgres) -> BTreeSet<String> {
    let rows = server.connect().query("SELECT item FROM orders", &[]).expect("it answers");
    rows.iter().map(|row| row.get(0)).collect()
}

#[test]
fn postgres() {
    let server = Postgres::start();
    let service = crate::postgres::service(&server).start();
    assert_eq!(server.connections_of("postgres"), 4);
    let acknowledged = orders(&service, || service.signal(Signal::SIGTERM));
    let exit = service.wait(PATIENCE);
    exit.expect_code(0).expect_outcome("clean").expect_within(Duration::from_secs(3));
    exit.line("closed: 4 idle, 0 returned, 0 cancelled");
    server.wait_no_connection_of("postgres");
    let stored = in_postgres(&server);
    assert!(acknowledged.is_subset(&stored), "lost: {:?}", acknowledged.difference(&stored));
}

#[test]
fn sqlite() {
    let directory = TempDir::new().expect("a directory");
    let file = directory.path().join("orders.db");
    let service = Service::fixture("sqlite").env("GF_FILE", &file).start();
    let acknowledged = orders(&service, || service.signal(Signal::SIGTERM));
    let exit = service.wait(PATIENCE);
    exit.expect_code(0).expect_outcome("clean").expect_within(Duration::from_secs(3));
    exit.line("closed: 4 idle, 0 returned, 0 cancelled");
    // Everything is in the database itself.
    let left: Vec<_> =
        directory.path().read_dir().expect("it can be read").flatten().map(|it| it.file_name()).collect();
    assert_eq!(left, ["orders.db"]);
    let stored = in_sqlite(&file);
    assert!(acknowledged.is_subset(&stored), "lost: {:?}", acknowledged.difference(&stored));
}
