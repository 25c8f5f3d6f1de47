//! What it costs to look at the process.

use std::hint::black_box;
use std::thread::sleep;
use std::time::{Duration, Instant};

use graceful::process::{self, Monitor};
use graceful::{Runtime, StartError};
use graceful_benches::Result;
use nix::time::{ClockId, clock_gettime};

use crate::samples::{Samples, turns};
use crate::table::Group;

const ROUNDS: usize = 31;
const LOOKS: u32 = 1000;

/// Far more often than anybody wants, so that there is something to measure.
const EVERY: Duration = Duration::from_millis(5);
const WATCHED: Duration = Duration::from_millis(500);

pub(crate) fn measure() -> Result<Vec<Group>> {
    let looks: [(&str, fn()); 3] = [
        ("resident memory", || _ = black_box(process::resident_memory())),
        ("processor time", || _ = black_box(process::cpu_time())),
        ("everything: `process::usage()`", || _ = black_box(process::usage())),
    ];
    let mut samples: [Samples; 3] = Default::default();
    let mut checks = Samples::EMPTY;
    for round in 0..ROUNDS {
        for turn in turns(round, looks.len()) {
            let began = Instant::now();
            (0..LOOKS).for_each(|_| looks[turn].1());
            samples[turn].add(began.elapsed().as_secs_f64() * 1e6 / f64::from(LOOKS));
        }
        checks.add(watch()?);
    }
    let names = looks.iter().map(|(name, _)| *name);
    Ok(vec![
        Group::of("one look at the process", "µs", names.zip(samples)),
        Group::new("one run of a check of the monitor, its thread included: processor time", "µs")
            .row("graceful: `process::Monitor`", checks),
    ])
}

/// Microseconds of this process for each run of a check.
fn watch() -> Result<f64> {
    let runtime = Runtime::builder("watched").start()?;
    let monitor = Monitor::new().memory_threshold_mb(1_000_000).cpu_threshold_percent(100_000);
    monitor.every(EVERY).watch(runtime.app())?;
    let ready: std::result::Result<(), StartError> = runtime.app().ready();
    ready?;
    let before = used()?;
    sleep(WATCHED);
    let used = used()? - before;
    let runs: u64 = runtime.app().checks().iter().map(|check| check.runs).sum();
    drop(runtime.shutdown("it is measured"));
    if runs == 0 {
        return Err("the checks do not run".into());
    }
    Ok(used * 1e6 / runs as f64)
}

fn used() -> Result<f64> {
    let time = clock_gettime(ClockId::CLOCK_PROCESS_CPUTIME_ID)?;
    Ok(time.tv_sec() as f64 + time.tv_nsec() as f64 / 1e9)
}
