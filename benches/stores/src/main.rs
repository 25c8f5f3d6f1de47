//! From SIGTERM to the end of the reference service on each of its stores, next to a program that does what the stores need
//! then, and nothing else (`bin/floor.rs`).
//!
//! `benches/run stores [ROUNDS]` builds both and starts it; `benches/README.md` tells how it is measured.

#![forbid(unsafe_code)]

use std::env;
use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::thread;
use std::time::Duration;

use graceful_benches::Result;
use graceful_benches::machine::{self, Others};
use graceful_benches::program::Program;
use graceful_benches::samples::Samples;
use graceful_benches::table::{self, Group};
use graceful_tests::nats::NatsServer;
use graceful_tests::postgres::Postgres;
use graceful_tests::redis::RedisServer;
use graceful_tests::{Http, post};
use tempfile::TempDir;

/// What the orders are kept in.
#[derive(Clone, Copy)]
enum Store {
    Sqlite,
    Postgres,
    /// PostgreSQL, Redis and NATS.
    Three,
}

/// A row of the table: the store, how many orders come before the signal, and what it is called.
const ROWS: [(Store, usize, &str); 6] = [
    (Store::Sqlite, 0, "SIGTERM to exit, SQLite, idle"),
    (Store::Sqlite, ORDERS, "SIGTERM to exit, SQLite, 2 000 orders"),
    (Store::Postgres, 0, "SIGTERM to exit, PostgreSQL, idle"),
    (Store::Postgres, ORDERS, "SIGTERM to exit, PostgreSQL, 2 000 orders"),
    (Store::Three, 0, "SIGTERM to exit, PostgreSQL, Redis, NATS, idle"),
    (Store::Three, ORDERS, "SIGTERM to exit, PostgreSQL, Redis, NATS, 2 000 orders"),
];

const ORDERS: usize = 2000;
const BUYERS: usize = 8;
const ROUNDS: usize = 15;

/// By then what was ordered is delivered, and a program that said that it is there is at rest.
const SETTLED: Duration = Duration::from_millis(300);

struct Servers {
    postgres: Postgres,
    redis: RedisServer,
    nats: NatsServer,
}

fn main() -> ExitCode {
    let rounds = match env::args().nth(1).map_or(Ok(ROUNDS), |text| text.parse()) {
        Ok(rounds) if rounds > 0 => rounds,
        _ => {
            eprintln!("usage: benches/run stores [ROUNDS]    (default {ROUNDS})");
            return ExitCode::from(2);
        }
    };
    match measure(rounds) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("stores: not measured: {error}");
            ExitCode::FAILURE
        }
    }
}

fn measure(rounds: usize) -> Result<()> {
    let servers = Servers { postgres: Postgres::start(), redis: RedisServer::start(), nats: NatsServer::start() };
    let others = Others::watch()?;
    let mut samples: Vec<[Samples; 2]> = vec![Default::default(); ROWS.len()];
    for round in 0..rounds {
        for ((store, orders, _), [service, floor]) in ROWS.into_iter().zip(&mut samples) {
            let (took, least) = sample(&servers, store, orders)?;
            service.add(took);
            floor.add(least);
        }
        eprintln!("stores: round {} of {rounds}", round + 1);
    }
    println!("{}. Cores used by other programs meanwhile: {:.2}.\n", machine::describe(), others.cores()?);
    let names = ["the reference service", "the stores alone (floor)"];
    let groups: Vec<Group> = ROWS
        .into_iter()
        .zip(samples)
        .map(|((_, _, title), found)| Group::of(title, "ms", names.into_iter().zip(found)))
        .collect();
    table::print(&groups);
    Ok(())
}

/// Both times in milliseconds: of the service, and of the floor with the same connections and the same write-ahead log.
fn sample(servers: &Servers, store: Store, orders: usize) -> Result<(f64, f64)> {
    let (data, copy) = (TempDir::new()?, TempDir::new()?);
    let mut service = Program::run(service(servers, store, data.path())?)?;
    let address = loop {
        if let Some(address) = service.line()?.strip_prefix("listening on http://") {
            break address.parse()?;
        }
    };
    order(address, orders)?;
    thread::sleep(SETTLED);
    if let Store::Sqlite = store {
        for name in ["orders.db", "orders.db-wal"] {
            fs::copy(data.path().join(name), copy.path().join(name))?;
        }
    }
    let took = end(&mut service)?;
    let mut floor = Program::run(floor(servers, store, copy.path())?)?;
    floor.line()?;
    thread::sleep(SETTLED);
    Ok((took, end(&mut floor)?))
}

fn end(program: &mut Program) -> Result<f64> {
    let at = program.terminate()?;
    Ok((program.wait()? - at) as f64 / 1e6)
}

fn service(servers: &Servers, store: Store, data: &Path) -> Result<Command> {
    let mut command = Command::new(beside("examples/service")?);
    command.env_clear().env("ADDR", "127.0.0.1:0").env("ADMIN_ADDR", "127.0.0.1:0").env("DATA_DIR", data);
    if let Store::Postgres | Store::Three = store {
        command.env("DATABASE_URL", servers.postgres.url());
    }
    if let Store::Three = store {
        command.env("REDIS_URL", servers.redis.url()).env("NATS_URL", servers.nats.url());
    }
    Ok(command)
}

fn floor(servers: &Servers, store: Store, data: &Path) -> Result<Command> {
    let mut command = Command::new(beside("floor")?);
    command.env_clear();
    match store {
        Store::Sqlite => command.env("SQLITE", data.join("orders.db")),
        Store::Postgres => command.env("POSTGRES", servers.postgres.url()),
        Store::Three => {
            command.env("POSTGRES", servers.postgres.url());
            command.env("REDIS", servers.redis.url()).env("NATS", servers.nats.url())
        }
    };
    Ok(command)
}

fn order(address: SocketAddr, orders: usize) -> Result<()> {
    let buy = || -> std::result::Result<(), String> {
        let mut client = Http::connect(address).map_err(|error| error.to_string())?;
        for _ in 0..orders / BUYERS {
            let answer =
                client.ask(post("/orders", r#"{"item":"tea","quantity":2}"#)).map_err(|error| error.to_string())?;
            if answer.status != 201 {
                return Err(format!("an order was answered with {}", answer.status));
            }
        }
        Ok(())
    };
    thread::scope(|scope| {
        let buyers: Vec<_> = (0..BUYERS).map(|_| scope.spawn(buy)).collect();
        buyers.into_iter().try_for_each(|buyer| Ok(buyer.join().map_err(|_| "a buyer panicked")??))
    })
}

fn beside(name: &str) -> Result<PathBuf> {
    let path = env::current_exe()?.with_file_name(name);
    if path.is_file() {
        Ok(path)
    } else {
        Err(format!("{} is not there: benches/run builds it", path.display()).into())
    }
}
