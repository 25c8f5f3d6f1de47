//! A service that keeps orders in SQLite, in the file `GF_FILE`, with a pool of `GF_SIZE` connections (default 4). It serves
//! on a free port.
//!
//! | route | what it does |
//! |---|---|
//! | `POST /orders` | adds an order, whose text is the body; answers once it is durable |
//! | `GET /transaction?item=T&ms=N` | says `transaction asked for`, begins one, adds an order, says `transaction began`, sleeps, commits |
//! | `GET /query?item=T` | the same, but counts for minutes instead of sleeping |
//!
//! What a handler cannot do it says on stdout: `failed: …`.
#![forbid(unsafe_code)]

use std::thread;
use std::time::Duration;

use graceful::http::{Request, Router};
use graceful::pool::{Pool, PoolLeft};
use graceful::sqlite::rusqlite::TransactionBehavior;
use graceful::sqlite::{self, SqliteConnectionManager};
use graceful::{App, BoxError, Deadline, cleanup};
use graceful_tests::fixture::{First, act, answer, close, say, setting};

struct Db {
    pool: Pool<SqliteConnectionManager>,
}

#[graceful::main(timeout = "20s", drain = "1s", flush = "1s")]
fn main(app: &App) -> Result<(), BoxError> {
    app.provide(First);
    let size = setting("size").map_or(Ok(4), |size| size.parse())?;
    let pool = sqlite::open(setting("file").ok_or("GF_FILE is missing")?, size)?;
    pool.get()?.execute_batch("CREATE TABLE IF NOT EXISTS orders (id INTEGER PRIMARY KEY, item TEXT NOT NULL)")?;
    app.provide(Db { pool });
    let address = app.http("127.0.0.1:0", routes())?;
    say(&format!("listening on http://{address}"));
    Ok(())
}

#[cleanup(order = 10, timeout = "2s")]
fn before() -> Result<(), BoxError> {
    act("before")
}

#[cleanup(order = 20, timeout = "2s")]
fn close_db(db: &Db, deadline: Deadline) -> Result<(), PoolLeft> {
    close(&db.pool, deadline)
}

#[cleanup(order = 30, timeout = "1s")]
fn close_first(_: &First) {
    say("first closed");
}

fn routes() -> Router {
    Router::new()
        .post("/orders", |db: &Db, mut request: Request| answer(order(db, &mut request)))
        .get("/transaction", |db: &Db, request: Request| answer(transaction(db, &request)))
        .get("/query", |db: &Db, request: Request| answer(query(db, &request)))
}

fn order(db: &Db, request: &mut Request) -> Result<String, BoxError> {
    let item = String::from_utf8(request.body().read_to_bytes()?.to_vec())?;
    let connection = db.pool.get()?;
    connection.execute("INSERT INTO orders (item) VALUES (?1)", [&item])?;
    Ok(connection.last_insert_rowid().to_string())
}

fn transaction(db: &Db, request: &Request) -> Result<String, BoxError> {
    let mut connection = db.pool.get()?;
    say("transaction asked for");
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    transaction.execute("INSERT INTO orders (item) VALUES (?1)", [&item(request)])?;
    say("transaction began");
    thread::sleep(Duration::from_millis(request.query_param("ms").unwrap_or_default().parse()?));
    transaction.commit()?;
    say("committed");
    Ok(String::new())
}

fn query(db: &Db, request: &Request) -> Result<String, BoxError> {
    const LONG: &str = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n";
    let mut connection = db.pool.get()?;
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    transaction.execute("INSERT INTO orders (item) VALUES (?1)", [&item(request)])?;
    say("transaction began");
    let count: i64 = transaction.query_row(LONG, [], |row| row.get(0))?;
    transaction.commit()?;
    Ok(count.to_string())
}

fn item(request: &Request) -> String {
    request.query_param("item").unwrap_or_default().into_owned()
}
