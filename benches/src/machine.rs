//! Where this runs, and what else does.

use std::fs;
use std::thread::available_parallelism;
use std::time::Instant;

use crate::Result;
use nix::sys::resource::{UsageWho, getrusage};
use nix::sys::time::{TimeVal, TimeValLike as _};
use nix::unistd::{SysconfVar, sysconf};

/// Cores, model and kernel: numbers of another machine are not comparable, ratios are, somewhat.
#[must_use]
pub fn describe() -> String {
    let read = |path: &str| fs::read_to_string(path).unwrap_or_default();
    let cpu = read("/proc/cpuinfo");
    let model =
        cpu.lines().find_map(|line| line.strip_prefix("model name")?.split_once(": ")).map_or("?", |(_, name)| name);
    let cores = available_parallelism().map_or(0, usize::from);
    format!("{cores} cores ({model}), Linux {}", read("/proc/sys/kernel/osrelease").trim())
}

/// Watches what other programs take from the processors.
#[derive(Debug)]
pub struct Others {
    began: Instant,
    all: f64,
    own: f64,
}

impl Others {
    /// Begins.
    ///
    /// # Errors
    /// What the system says.
    pub fn watch() -> Result<Self> {
        Ok(Self { began: Instant::now(), all: all()?, own: own()? })
    }

    /// How many cores they kept busy since then, on average.
    ///
    /// # Errors
    /// What the system says.
    pub fn cores(&self) -> Result<f64> {
        let others = (all()? - self.all) - (own()? - self.own);
        // The kernel counts in ticks, so it can seem to be less than nothing.
        Ok((others / self.began.elapsed().as_secs_f64()).max(0.0))
    }
}

/// Processor seconds that were used on this machine.
fn all() -> Result<f64> {
    let text = fs::read_to_string("/proc/stat")?;
    let line = text.lines().next().ok_or("stat has a first line")?;
    let ticks: Vec<f64> = line.split_whitespace().skip(1).map(str::parse).collect::<std::result::Result<_, _>>()?;
    // user, nice, system, idle, iowait, irq, softirq; the rest is not ours to count.
    let used: f64 = ticks.iter().take(7).sum::<f64>() - ticks.iter().skip(3).take(2).sum::<f64>();
    let per_second = sysconf(SysconfVar::CLK_TCK)?.ok_or("a second has ticks")?;
    Ok(used / per_second as f64)
}

/// Those that this process used, and its children that have ended.
fn own() -> Result<f64> {
    let seconds = |time: TimeVal| time.num_microseconds() as f64 / 1e6;
    [UsageWho::RUSAGE_SELF, UsageWho::RUSAGE_CHILDREN].into_iter().try_fold(0.0, |sum, who| {
        let usage = getrusage(who)?;
        Ok(sum + seconds(usage.user_time()) + seconds(usage.system_time()))
    })
}
