//! From the signal to the end of a service that has nothing to do.

use std::fs;
use std::net::TcpStream;
use std::thread::sleep;
use std::time::{Duration, Instant};

use graceful_benches::Result;

use crate::program::Program;
use crate::samples::{Samples, turns};
use crate::table::Group;

const RUNS: usize = 200;

/// By then a program that said where it listens is at rest.
const SETTLED: Duration = Duration::from_millis(3);

/// Who was there before the signal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Visitors {
    None,
    One,
}

/// A listener that stops has the kernel look through all connections of the machine, those in TIME_WAIT included.
const CROWD: u64 = 500;

/// How long connections stay in TIME_WAIT, and a little.
const PATIENCE: Duration = Duration::from_secs(70);

pub(crate) fn measure() -> Result<Vec<Group>> {
    await_lull()?;
    let rows = [
        ("graceful", Visitors::None, "graceful"),
        ("graceful", Visitors::One, "graceful, a client came in the last second"),
        ("runtime", Visitors::None, "graceful, no listener"),
        ("bare", Visitors::None, "no handler: killed by the signal (floor)"),
        ("ctrlc", Visitors::None, "ctrlc"),
        ("iterator", Visitors::None, "signal-hook iterator"),
    ];
    let mut samples = vec![Samples::default(); rows.len()];
    for round in 0..RUNS {
        for turn in turns(round, rows.len()) {
            let (program, visitors, _) = rows[turn];
            samples[turn].add(end(program, visitors)?);
        }
    }
    let names = rows.into_iter().map(|(_, _, name)| name);
    Ok(vec![Group::of("signal to end of an idle service", "µs", names.zip(samples))])
}

/// Waits until the connections of an earlier run, of this or of tests, are gone.
pub(crate) fn await_lull() -> Result<()> {
    let began = Instant::now();
    let mut told = false;
    while began.elapsed() < PATIENCE {
        let lingering = time_wait()?;
        if lingering < CROWD {
            return Ok(());
        }
        if !std::mem::replace(&mut told, true) {
            eprintln!("waits for {lingering} connections in TIME_WAIT to go, 70 s at most");
        }
        sleep(Duration::from_secs(1));
    }
    eprintln!("they did not go, the figures will be too high");
    Ok(())
}

fn time_wait() -> Result<u64> {
    let text = fs::read_to_string("/proc/net/sockstat")?;
    let mut words = text.split_whitespace().skip_while(|word| *word != "tw").skip(1);
    Ok(words.next().ok_or("sockstat tells of TIME_WAIT")?.parse()?)
}

/// In microseconds.
fn end(program: &str, visitors: Visitors) -> Result<f64> {
    let mut program = Program::start("candidate", &["idle", program])?;
    let address = program.line()?;
    if visitors == Visitors::One {
        drop(TcpStream::connect(address)?);
    }
    sleep(SETTLED);
    let sent = program.terminate()?;
    Ok(program.wait()?.saturating_sub(sent) as f64 / 1e3)
}
