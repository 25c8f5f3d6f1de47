//! What the stores of the reference service need at the end, and nothing else: as many connections as it has are opened; at
//! SIGTERM the write-ahead log of `SQLITE` is written into the database, and the connections to that, `POSTGRES`, `REDIS` and
//! `NATS` are closed, one after the other.

#![forbid(unsafe_code)]

use std::env;

use graceful::nats::async_nats;
use graceful::postgres::NoTls;
use graceful::postgres::driver as postgres;
use graceful::redis::redis;
use graceful::sqlite::rusqlite;
use graceful_benches::{Result, limit_life, say};
use nix::sys::signal::{SigSet, Signal};

/// As the service has them.
const CONNECTIONS: usize = 8;

fn main() -> Result<()> {
    limit_life();
    let mut signals = SigSet::empty();
    signals.add(Signal::SIGTERM);
    signals.thread_block()?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;

    let mut sqlite = Vec::new();
    if let Some(path) = env::var_os("SQLITE") {
        for _ in 0..CONNECTIONS {
            let connection = rusqlite::Connection::open(&path)?;
            connection.execute_batch("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL")?;
            connection.query_row("SELECT count(*) FROM orders", [], |_| Ok(()))?;
            sqlite.push(connection);
        }
    }
    let mut clients = Vec::new();
    if let Ok(url) = env::var("POSTGRES") {
        for _ in 0..CONNECTIONS {
            let mut client = postgres::Client::connect(&url, NoTls)?;
            client.simple_query("SELECT 1")?;
            clients.push(client);
        }
    }
    let mut connections = Vec::new();
    if let Ok(url) = env::var("REDIS") {
        for _ in 0..CONNECTIONS {
            let mut connection = redis::Client::open(url.as_str())?.get_connection()?;
            redis::cmd("PING").exec(&mut connection)?;
            connections.push(connection);
        }
    }
    let nats = match env::var("NATS") {
        Ok(url) => Some(runtime.block_on(async_nats::connect(url))?),
        Err(_) => None,
    };

    say("ready")?;
    signals.wait()?;

    if let Some(connection) = sqlite.first() {
        connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))?;
    }
    drop((sqlite, clients, connections));
    if let Some(nats) = nats {
        runtime.block_on(nats.flush())?;
    }
    Ok(())
}
