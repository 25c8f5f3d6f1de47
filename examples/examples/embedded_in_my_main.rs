//! A part of somebody else's program: `main` is not ours, signals are not ours, and the shutdown is a call that returns.
//!
//! Run:    cargo run --release --example embedded_in_my_main, then: nc 127.0.0.1 8080   (ADDR=127.0.0.1:0 for any port)
//! Stop:   type `quit`, or close its stdin. No handler is installed, so a signal does what it does to the host: it kills.
//! Prints: `listening on tcp://127.0.0.1:8080`, at the end the report.
//!
//! The runtime below takes no signals, reads no environment, writes no logs, finds no hooks of attributes and ends no process,
//! unless it is told to (`signals`, `environment`, `registered`). A program can have several of them.
#![forbid(unsafe_code)]

use std::env;
use std::io::{self, BufRead as _, BufReader, Write as _};
use std::process::ExitCode;
use std::time::Duration;

use graceful::{Args, BoxError, Connection, Hook, Readable, Report, Runtime};

/// The host: whatever it does, one part of it is a server.
fn main() -> Result<ExitCode, BoxError> {
    let part = start_part()?;
    for line in io::stdin().lines() {
        if line? == "quit" {
            break;
        }
    }
    // Within the host's deadline: connections, tasks and hooks share it, whatever their own budgets are.
    let report = part.shutdown_within(Duration::from_secs(5), "the host");
    show(&report);
    Ok(ExitCode::from(report.exit_code))
}

fn start_part() -> Result<Runtime, BoxError> {
    let runtime = Runtime::builder("reverser")
        .drain(Duration::from_secs(3))
        .hook(Hook::new("forget", |_: &mut Args<'_>| println!("forgotten")).timeout(Duration::from_secs(1)))
        .start()?;
    let app = runtime.app();
    let address = env::var("ADDR").unwrap_or_else(|_| "127.0.0.1:8080".into());
    let address = app.tcp(address, |connection| reverse(&connection))?;
    app.ready()?;
    println!("listening on tcp://{address}");
    Ok(runtime)
}

fn reverse(connection: &Connection) -> io::Result<()> {
    let mut lines = BufReader::new(connection);
    let mut line = String::new();
    while !lines.buffer().is_empty() || connection.wait_readable(None)? == Readable::Ready {
        line.clear();
        if lines.read_line(&mut line)? == 0 {
            break;
        }
        let reversed: String = line.trim_end().chars().rev().collect();
        lines.get_mut().write_all(format!("{reversed}\n").as_bytes())?;
    }
    Ok(())
}

/// The report is data: nothing has been printed or decided for the host.
fn show(report: &Report) {
    println!("{report}");
    for phase in &report.phases {
        println!("  {:<15} {:>9.1?} of {:?}", phase.phase, phase.took, phase.budget);
    }
    for what in &report.incomplete {
        println!("  incomplete: {what}");
    }
}
