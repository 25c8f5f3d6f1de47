//! The reference service: orders on disk, periodic work, ordered cleanup.
//!
//! | request | answer |
//! |---|---|
//! | `POST /orders` with `{"item":"tea","quantity":2}` | 201 `{"id":1}`, once order 1 is durable |
//! | `GET /orders/1` | `{"id":1,"item":"tea","quantity":2}` |
//! | `GET /orders?after=1` | `{"orders":[…]}`, those with a higher id |
//!
//! Run:    cargo run --release --example service, then: curl -d '{"item":"tea","quantity":2}' http://127.0.0.1:8080/orders
//!         (ADDR=HOST:PORT, DATA_DIR=./data)
//! Stop:   Ctrl-C, or `kill` with its pid
//! Prints: `listening on http://127.0.0.1:8080`; `service ready` and every step of the end are on stderr.
//!
//! At the signal: new connections are refused, orders that have arrived are stored and answered, idle connections are closed,
//! the periodic task ends, the statistics are saved (10), the file is closed (20), the report is written, exit 0.
#![forbid(unsafe_code)]

use std::env;
use std::fs::{self, File};
use std::io::{self, Seek as _, SeekFrom, Write as _};
use std::path::PathBuf;
use std::sync::{Mutex, MutexGuard, PoisonError};

use graceful::http::{Error, Json, Request, Router, StatusCode};
use graceful::{App, BoxError, cleanup, task};
use serde_json::{Value, json};

#[graceful::main(timeout = "30s", drain = "20s")]
fn main(app: &App) -> Result<(), BoxError> {
    let directory = env::var("DATA_DIR").unwrap_or_else(|_| "./data".into());
    app.provide(Store::open(directory.into())?);
    let routes = Router::new().get("/orders", list).post("/orders", add).get("/orders/{id}", show);
    let address = app.http(env::var("ADDR").unwrap_or_else(|_| "127.0.0.1:8080".into()), routes)?;
    println!("listening on http://{address}");
    Ok(())
}

#[task(every = "30s")]
fn save_statistics(store: &Store) -> io::Result<()> {
    store.save_statistics()
}

#[cleanup(order = 10, timeout = "2s")]
fn flush_statistics(store: &Store) -> io::Result<()> {
    store.save_statistics()
}

#[cleanup(order = 20, timeout = "5s")]
fn close_store(store: &Store) -> io::Result<()> {
    store.close()
}

fn add(store: &Store, mut request: Request) -> Result<(StatusCode, Json<Value>), Error> {
    let order: Value = request.body().json()?;
    let (Some(item), Some(quantity @ 1..)) = (order["item"].as_str(), order["quantity"].as_u64()) else {
        return Err(Error::status(StatusCode::BAD_REQUEST, r#"write {"item":"tea","quantity":2}"#));
    };
    let id = store.add(json!({"item": item, "quantity": quantity}))?;
    Ok((StatusCode::CREATED, Json(json!({"id": id}))))
}

fn show(store: &Store, request: Request) -> Result<Option<Json<Value>>, Error> {
    let id: usize = request.parse_param("id")?;
    Ok(store.after(id.saturating_sub(1)).into_iter().next().filter(|order| order["id"] == id).map(Json))
}

fn list(store: &Store, request: Request) -> Result<Json<Value>, Error> {
    let after = request.query_param("after").map_or(Ok(0), |after| after.parse());
    let after = after.map_err(|_| Error::status(StatusCode::BAD_REQUEST, "after is the id of an order"))?;
    Ok(Json(json!({"orders": store.after(after)})))
}

struct Store {
    directory: PathBuf,
    state: Mutex<State>,
}

struct State {
    /// None once it is closed.
    file: Option<File>,
    orders: Vec<Value>,
}

impl Store {
    fn open(directory: PathBuf) -> io::Result<Self> {
        fs::create_dir_all(&directory)?;
        let file = File::options().create(true).append(true).open(directory.join("orders"))?;
        let text = fs::read(directory.join("orders"))?;
        // What follows the last line break was never confirmed: a crash came first.
        let whole = text.iter().rposition(|byte| *byte == b'\n').map_or(0, |end| end + 1);
        file.set_len(whole as u64)?;
        let lines = text[..whole].split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
        let orders = lines.map(serde_json::from_slice).collect::<Result<_, _>>()?;
        Ok(Self { directory, state: Mutex::new(State { file: Some(file), orders }) })
    }

    /// Returns once the order is on the disk, with its id.
    fn add(&self, mut order: Value) -> io::Result<usize> {
        let mut state = self.state();
        let id = state.orders.len() + 1;
        order["id"] = id.into();
        let file = state.file.as_mut().ok_or_else(|| io::Error::other("the store is closed"))?;
        let end = file.seek(SeekFrom::End(0))?;
        let written = file.write_all(format!("{order}\n").as_bytes()).and_then(|()| file.sync_data());
        if let Err(error) = written {
            // Half a line, as when the disk is full, must not become part of the next.
            file.set_len(end)?;
            return Err(error);
        }
        state.orders.push(order);
        Ok(id)
    }

    fn after(&self, id: usize) -> Vec<Value> {
        self.state().orders.iter().skip(id).cloned().collect()
    }

    fn save_statistics(&self) -> io::Result<()> {
        let text = format!("{} orders\n", self.state().orders.len());
        fs::write(self.directory.join("statistics"), text)
    }

    fn close(&self) -> io::Result<()> {
        self.state().file.take().map_or(Ok(()), |file| file.sync_all())
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
