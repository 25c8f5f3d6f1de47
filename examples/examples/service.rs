//! The reference service: orders on disk, periodic work, ordered cleanup. One line asks, one line answers:
//!
//! | line | answer |
//! |---|---|
//! | `ADD tea 2` | `OK 1`, once order 1 is durable |
//! | `GET 1` | `1 tea 2` |
//! | `LIST` | `2 orders`, then a line for each |
//!
//! Run:    cargo run --release --example service, then: nc 127.0.0.1 8080   (ADDR=HOST:PORT, DATA_DIR=./data)
//! Stop:   Ctrl-C, or `kill` with its pid
//! Prints: `listening on tcp://127.0.0.1:8080`; `service ready` and every step of the end are on stderr.
//!
//! At the signal: new connections are refused, orders that have arrived are stored and answered, idle connections are closed,
//! the periodic task ends, the statistics are saved (10), the file is closed (20), the report is written, exit 0.
#![forbid(unsafe_code)]

use std::env;
use std::fs::{self, File};
use std::io::{self, BufRead as _, BufReader, Read as _, Seek as _, SeekFrom, Write as _};
use std::path::PathBuf;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use graceful::{App, BoxError, Connection, Readable, cleanup, task};

const LONGEST_LINE: u64 = 1024;

#[graceful::main(timeout = "30s", drain = "20s")]
fn main(app: &App) -> Result<(), BoxError> {
    let directory = env::var("DATA_DIR").unwrap_or_else(|_| "./data".into());
    let store = app.provide(Store::open(directory.into())?);
    let address = env::var("ADDR").unwrap_or_else(|_| "127.0.0.1:8080".into());
    let address = app.tcp(address, move |connection| serve(&connection, &store))?;
    println!("listening on tcp://{address}");
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

fn serve(connection: &Connection, store: &Store) -> io::Result<()> {
    // For a client that stops in the middle of a line, or does not read.
    connection.set_read_timeout(Some(Duration::from_secs(30)))?;
    connection.set_write_timeout(Some(Duration::from_secs(30)))?;
    let mut lines = BufReader::new(connection);
    let mut line = String::new();
    while !lines.buffer().is_empty() || connection.wait_readable(None)? == Readable::Ready {
        line.clear();
        (&mut lines).take(LONGEST_LINE).read_line(&mut line)?;
        if !line.ends_with('\n') {
            // The end of the stream, in the middle of a line or not, or a line that is too long.
            break;
        }
        let answer = answer(&line, store).unwrap_or_else(|error| format!("ERROR {error}\n"));
        lines.get_mut().write_all(answer.as_bytes())?;
    }
    Ok(())
}

fn answer(line: &str, store: &Store) -> Result<String, BoxError> {
    match *line.split_whitespace().collect::<Vec<_>>() {
        ["ADD", item, quantity] => Ok(format!("OK {}\n", store.add(item, quantity.parse()?)?)),
        ["GET", id] => store.get(id.parse()?).ok_or_else(|| "no such order".into()),
        ["LIST"] => Ok(store.list()),
        _ => Err("write ADD item quantity, GET id, or LIST".into()),
    }
}

struct Store {
    directory: PathBuf,
    state: Mutex<State>,
}

struct State {
    /// None once it is closed.
    file: Option<File>,
    orders: Vec<String>,
}

impl Store {
    fn open(directory: PathBuf) -> io::Result<Self> {
        fs::create_dir_all(&directory)?;
        let file = File::options().create(true).append(true).open(directory.join("orders"))?;
        let text = fs::read(directory.join("orders"))?;
        // What follows the last line break was never confirmed: a crash came first.
        let whole = text.iter().rposition(|byte| *byte == b'\n').map_or(0, |end| end + 1);
        file.set_len(whole as u64)?;
        let orders = String::from_utf8_lossy(&text[..whole]).lines().map(str::to_owned).collect();
        Ok(Self { directory, state: Mutex::new(State { file: Some(file), orders }) })
    }

    /// Returns once the order is on the disk, with its number.
    fn add(&self, item: &str, quantity: u32) -> io::Result<usize> {
        let mut state = self.state();
        let file = state.file.as_mut().ok_or_else(|| io::Error::other("the store is closed"))?;
        let end = file.seek(SeekFrom::End(0))?;
        let written = file.write_all(format!("{item} {quantity}\n").as_bytes()).and_then(|()| file.sync_data());
        if let Err(error) = written {
            // Half a line, as when the disk is full, must not become part of the next.
            file.set_len(end)?;
            return Err(error);
        }
        state.orders.push(format!("{item} {quantity}"));
        Ok(state.orders.len())
    }

    fn get(&self, id: usize) -> Option<String> {
        let state = self.state();
        Some(format!("{id} {}\n", state.orders.get(id.checked_sub(1)?)?))
    }

    fn list(&self) -> String {
        let state = self.state();
        let lines: String = (1..).zip(&state.orders).map(|(id, order)| format!("{id} {order}\n")).collect();
        format!("{} orders\n{lines}", state.orders.len())
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
