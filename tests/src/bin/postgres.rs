//! A service that keeps orders in PostgreSQL (`GF_URL`), with a pool of `GF_SIZE` connections (default 4). It serves on a
//! free port.
//!
//! | route | what it does |
//! |---|---|
//! | `POST /orders` | adds an order, whose text is the body, in a transaction; answers with its number once it is committed |
//! | `GET /transaction?item=T&ms=N` | begins one, adds an order, says `transaction began`, sleeps, commits |
//! | `GET /query?item=T&ms=N` | the same, but the server sleeps: `select pg_sleep` |
//! | `GET /patient?item=T&ms=N` | as `/transaction`, and says `again after …` and tries again until it succeeds or the pool closes |
//! | `GET /stubborn` | asks for `pg_sleep(60)` again and again, whatever comes of it; keeps the connection for good |
//!
//! What a handler cannot do it says on stdout: `failed: …`.
#![forbid(unsafe_code)]

use std::thread;
use std::time::Duration;

use graceful::http::{Request, Router};
use graceful::pool::{Pool, PoolError, PoolLeft};
use graceful::postgres::{self, NoTls, PostgresConnectionManager};
use graceful::{App, BoxError, Deadline, cleanup};
use graceful_tests::fixture::{First, answer, close, say, setting};

struct Db {
    pool: Pool<PostgresConnectionManager<NoTls>>,
}

#[graceful::main(timeout = "20s", drain = "1s", flush = "1s")]
fn main(app: &App) -> Result<(), BoxError> {
    app.provide(First);
    let size = setting("size").map_or(Ok(4), |size| size.parse())?;
    let pool = postgres::open(&setting("url").ok_or("GF_URL is missing")?, size)?;
    let table = "CREATE TABLE IF NOT EXISTS orders (id bigserial PRIMARY KEY, item text NOT NULL)";
    pool.get()?.batch_execute(table)?;
    app.provide(Db { pool });
    let address = app.http("127.0.0.1:0", routes())?;
    say(&format!("listening on http://{address}"));
    Ok(())
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
        .get("/patient", |db: &Db, request: Request| answer(patient(db, &request)))
        .get("/query", |db: &Db, request: Request| answer(query(db, &request)))
        .get("/stubborn", |db: &Db| answer(stubborn(db)))
}

fn order(db: &Db, request: &mut Request) -> Result<String, BoxError> {
    let item = String::from_utf8(request.body().read_to_bytes()?.to_vec())?;
    let mut client = db.pool.get()?;
    let mut transaction = client.transaction()?;
    let row = transaction.query_one("INSERT INTO orders (item) VALUES ($1) RETURNING id", &[&item])?;
    transaction.commit()?;
    Ok(row.get::<_, i64>(0).to_string())
}

fn transaction(db: &Db, request: &Request) -> Result<String, BoxError> {
    let mut client = db.pool.get()?;
    let mut transaction = client.transaction()?;
    transaction.execute("INSERT INTO orders (item) VALUES ($1)", &[&item(request)])?;
    say("transaction began");
    thread::sleep(time(request)?);
    transaction.commit()?;
    say("committed");
    Ok(String::new())
}

fn patient(db: &Db, request: &Request) -> Result<String, BoxError> {
    loop {
        match transaction(db, request) {
            Err(error) if !matches!(error.downcast_ref(), Some(PoolError::Closed { .. })) => {
                say(&format!("again after: {error}"));
                thread::sleep(Duration::from_millis(20));
            }
            done => return done,
        }
    }
}

fn query(db: &Db, request: &Request) -> Result<String, BoxError> {
    let mut client = db.pool.get()?;
    let mut transaction = client.transaction()?;
    transaction.execute("INSERT INTO orders (item) VALUES ($1)", &[&item(request)])?;
    say("transaction began");
    transaction.execute("SELECT pg_sleep($1)", &[&time(request)?.as_secs_f64()])?;
    transaction.commit()?;
    say("committed");
    Ok(String::new())
}

fn stubborn(db: &Db) -> Result<String, BoxError> {
    let mut client = db.pool.get()?;
    say("transaction began");
    loop {
        if let Err(error) = client.execute("SELECT pg_sleep(60)", &[]) {
            say(&format!("again after: {error}"));
            thread::sleep(Duration::from_millis(5));
        }
    }
}

fn item(request: &Request) -> String {
    request.query_param("item").unwrap_or_default().into_owned()
}

fn time(request: &Request) -> Result<Duration, BoxError> {
    Ok(Duration::from_millis(request.query_param("ms").unwrap_or_default().parse()?))
}
