//! A service with a pool of `GF_SIZE` connections (default 4) to the PostgreSQL at `GF_URL` over TLS, which trusts the
//! authority in the file `GF_AUTHORITY`. It serves on a free port.
//!
//! | route | what it does |
//! |---|---|
//! | `GET /encrypted` | how many connections of its own the server has, and how many of them are encrypted: `4 of 4` |
//! | `GET /query` | begins a transaction, says `transaction began`, has the server sleep for a minute |
//!
//! What a handler cannot do it says on stdout: `failed: …`.
#![forbid(unsafe_code)]

use std::sync::Arc;

use graceful::http::Router;
use graceful::pool::{Pool, PoolLeft};
use graceful::postgres::{self, PostgresConnectionManager};
use graceful::{App, BoxError, Deadline, cleanup};
use graceful_tests::fixture::{First, answer, close, number, say, setting};
use rustls::crypto::ring;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use rustls::{ClientConfig, RootCertStore};
use tokio_postgres_rustls::MakeRustlsConnect;

struct Db {
    pool: Pool<PostgresConnectionManager<MakeRustlsConnect>>,
}

#[graceful::main(timeout = "20s", drain = "1s", flush = "1s")]
fn main(app: &App) -> Result<(), BoxError> {
    app.provide(First);
    let url = setting("url").ok_or("GF_URL is missing")?;
    let size = setting("size").map_or(4, |_| number("size"));
    let pool = postgres::open_with("orders", url.parse()?, tls()?, u32::try_from(size)?)?;
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

fn tls() -> Result<MakeRustlsConnect, BoxError> {
    let mut trusted = RootCertStore::empty();
    trusted.add(CertificateDer::from_pem_file(setting("authority").ok_or("GF_AUTHORITY is missing")?)?)?;
    let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()));
    let config = config.with_safe_default_protocol_versions()?.with_root_certificates(trusted).with_no_client_auth();
    Ok(MakeRustlsConnect::new(config))
}

fn routes() -> Router {
    Router::new().get("/encrypted", |db: &Db| answer(encrypted(db))).get("/query", |db: &Db| answer(query(db)))
}

fn encrypted(db: &Db) -> Result<String, BoxError> {
    const COUNT: &str = "SELECT count(*), count(*) FILTER (WHERE ssl) FROM pg_stat_ssl JOIN pg_stat_activity USING (pid) \
                         WHERE application_name = 'postgres_tls'";
    let row = db.pool.get()?.query_one(COUNT, &[])?;
    Ok(format!("{} of {}", row.get::<_, i64>(1), row.get::<_, i64>(0)))
}

fn query(db: &Db) -> Result<String, BoxError> {
    let mut client = db.pool.get()?;
    let mut transaction = client.transaction()?;
    say("transaction began");
    transaction.execute("SELECT pg_sleep(60)", &[])?;
    transaction.commit()?;
    Ok(String::new())
}
