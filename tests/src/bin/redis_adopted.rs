//! A service with a pool of the `redis` crate's own connections to the Redis at `GF_URL`, which it has adopted. It serves on a
//! free port.
//!
//! | route | what it does |
//! |---|---|
//! | `POST /orders` | appends the body to the list `orders`; answers once it is there |
//! | `GET /wait` | says `waiting`, and waits for an element that never comes |
//!
//! What a handler cannot do it says on stdout: `failed: …`.
#![forbid(unsafe_code)]

use graceful::http::{Request, Router};
use graceful::pool::{Pool, PoolLeft, r2d2};
use graceful::redis::redis::{Client, Commands as _};
use graceful::{App, BoxError, Deadline, cleanup, redis};
use graceful_tests::fixture::{First, answer, close, say, setting};

struct Db {
    pool: Pool<Client>,
}

#[graceful::main(timeout = "20s", drain = "1s", flush = "1s")]
fn main(app: &App) -> Result<(), BoxError> {
    app.provide(First);
    let client = Client::open(setting("url").ok_or("GF_URL is missing")?)?;
    let theirs = r2d2::Pool::builder().max_size(4).build(client.clone())?;
    app.provide(Db { pool: redis::adopt("theirs", theirs, client) });
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
        .get("/wait", |db: &Db| answer(wait(db)))
}

fn order(db: &Db, request: &mut Request) -> Result<String, BoxError> {
    let item = String::from_utf8(request.body().read_to_bytes()?.to_vec())?;
    let length: u64 = db.pool.get()?.rpush("orders", item)?;
    Ok(length.to_string())
}

fn wait(db: &Db) -> Result<String, BoxError> {
    let mut connection = db.pool.get()?;
    say("waiting");
    let (_, value): (String, String) = connection.blpop("nothing", 0.0)?;
    Ok(value)
}
