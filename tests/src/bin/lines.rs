//! A line server on `ADDR` (default `127.0.0.1:0`; `unix:/path` and `fd:3` too). Each line is a request:
//!
//! | line | answer |
//! |---|---|
//! | `echo TEXT` | `TEXT` |
//! | `flood` | bytes without end |
//! | `panic` | none: the handler panics |
//! | `sleep MS` | `began` at once, `done` after so many milliseconds |
//! | `stuck` | `began`, then nothing ever, whatever it is told |
//! | `until cancelled` | `began`, then `cancelled` once it is told to leave |
//!
//! Between two requests a connection is idle. `GF_DRAIN` (milliseconds, default 5000) is the drain.
#![forbid(unsafe_code)]

use std::io::{self, BufRead as _, BufReader, Write as _};
use std::thread;
use std::time::Duration;

use graceful::{App, BoxError, Connection, Readable};
use graceful_tests::fixture::{say, setting};

#[graceful::main(timeout = "30s", drain = "5s", flush = "1s")]
fn main(app: &App) -> Result<(), BoxError> {
    let address = std::env::var("ADDR").unwrap_or_else(|_| "127.0.0.1:0".to_owned());
    let address = app.tcp(address, serve)?;
    say(&format!("listening on {address}"));
    if setting("hold").is_some() {
        app.run()?;
    }
    Ok(())
}

fn serve(connection: Connection) -> io::Result<()> {
    let mut requests = BufReader::new(&connection);
    let mut line = String::new();
    loop {
        if requests.buffer().is_empty() {
            match connection.wait_readable(None)? {
                Readable::Ready => {}
                Readable::Stopping => return Ok(()),
                Readable::TimedOut => continue,
            }
        }
        line.clear();
        if requests.read_line(&mut line)? == 0 {
            return Ok(());
        }
        answer(&connection, line.trim_end())?;
    }
}

fn answer(connection: &Connection, request: &str) -> io::Result<()> {
    let mut out = connection;
    let (word, rest) = request.split_once(' ').unwrap_or((request, ""));
    match word {
        "echo" => out.write_all(format!("{rest}\n").as_bytes()),
        "flood" => loop {
            out.write_all(&[b'x'; 65536])?;
        },
        "panic" => panic!("as asked"),
        "sleep" => {
            out.write_all(b"began\n")?;
            thread::sleep(Duration::from_millis(rest.parse().map_err(io::Error::other)?));
            out.write_all(b"done\n")
        }
        "stuck" => {
            out.write_all(b"began\n")?;
            loop {
                thread::park();
            }
        }
        "until" => {
            out.write_all(b"began\n")?;
            connection.stop().wait_cancelled();
            out.write_all(b"cancelled\n")
        }
        _ => out.write_all(b"what?\n"),
    }
}
