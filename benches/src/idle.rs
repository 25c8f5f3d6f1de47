//! From the signal to the end of a service that has nothing to do.

use std::net::TcpStream;
use std::thread::sleep;
use std::time::Duration;

use graceful_benches::Result;

use crate::program::Program;
use crate::samples::Samples;
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

pub(crate) fn measure() -> Result<Vec<Group>> {
    let rows = [
        ("graceful", Visitors::None, "graceful"),
        ("graceful", Visitors::One, "graceful, a client came in the last second"),
        ("runtime", Visitors::None, "graceful, no listener"),
        ("bare", Visitors::None, "no handler: killed by the signal (floor)"),
        ("ctrlc", Visitors::None, "ctrlc"),
        ("iterator", Visitors::None, "signal-hook iterator"),
    ];
    let mut samples = vec![Samples::default(); rows.len()];
    for _ in 0..RUNS {
        for ((program, visitors, _), samples) in rows.iter().zip(&mut samples) {
            samples.add(end(program, *visitors)?);
        }
    }
    let names = rows.into_iter().map(|(_, _, name)| name);
    Ok(vec![Group::of("signal to end of an idle service", "µs", names.zip(samples))])
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
