//! From the signal to the first reaction that a user sees.

use std::thread::sleep;
use std::time::Duration;

use graceful_benches::Result;

use crate::program::Program;
use crate::samples::{Samples, turns};
use crate::table::Group;

/// A shutdown happens once in the life of a process, so each run is a process.
const RUNS: usize = 300;

pub(crate) fn measure() -> Result<Vec<Group>> {
    let flag = [
        ("graceful", "graceful: `is_ready()`"),
        ("register", "signal-hook `flag::register`"),
        ("ctrlc", "ctrlc"),
        ("iterator", "signal-hook iterator"),
    ];
    let token = [
        ("graceful", "graceful: `stop.wait()`"),
        ("sigwait", "`sigwait` (floor)"),
        ("ctrlc", "ctrlc and a condvar"),
        ("iterator", "signal-hook iterator and a condvar"),
    ];
    Ok(vec![
        compare("signal to readiness flag", "flag", flag)?,
        compare("signal to waiting thread awake", "token", token)?,
    ])
}

fn compare<const N: usize>(title: &'static str, measure: &str, programs: [(&str, &str); N]) -> Result<Group> {
    let mut samples = vec![Samples::default(); N];
    for round in 0..RUNS {
        for turn in turns(round, N) {
            samples[turn].add(reaction(measure, programs[turn].0)?);
        }
    }
    Ok(Group::of(title, "µs", programs.into_iter().map(|(_, name)| name).zip(samples)))
}

/// In microseconds.
fn reaction(measure: &str, program: &str) -> Result<f64> {
    let mut program = Program::start("candidate", &[measure, program])?;
    program.line()?;
    // A thread that waits is asleep by then.
    sleep(Duration::from_millis(1));
    let sent = program.terminate()?;
    let noticed: u64 = program.line()?.parse()?;
    Ok(noticed.saturating_sub(sent) as f64 / 1e3)
}
