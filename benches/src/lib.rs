//! What the harness and the programs that it measures share.

#![forbid(unsafe_code)]

pub mod machine;
pub mod program;
pub mod samples;
pub mod table;

use std::error::Error;
use std::io::{self, Write as _};

use nix::sys::resource::{Resource, getrlimit, setrlimit};
use nix::time::{ClockId, clock_gettime};
use nix::unistd::{SysconfVar, alarm, sysconf};

/// What can go wrong: anything, and it ends the run.
pub type Result<T> = std::result::Result<T, Box<dyn Error>>;

/// How long a measured program may live, in seconds: should the harness die, nothing stays behind.
const LONGEST_LIFE: u32 = 300;

/// Nanoseconds of `CLOCK_MONOTONIC`, comparable between processes, which `Instant` does not promise to be.
#[must_use]
pub fn now() -> u64 {
    // Invariant: the clock exists on every system that this is for.
    let time = clock_gettime(ClockId::CLOCK_MONOTONIC).expect("a monotonic clock");
    time.tv_sec() as u64 * 1_000_000_000 + time.tv_nsec() as u64
}

/// Has the calling process end by `SIGALRM` after a while, whatever it does.
pub fn limit_life() {
    alarm::set(LONGEST_LIFE);
}

/// Writes a line to stdout and flushes it: how a measured program talks to the harness.
///
/// # Errors
/// The harness is gone.
pub fn say(line: impl std::fmt::Display) -> io::Result<()> {
    let mut out = io::stdout().lock();
    writeln!(out, "{line}")?;
    out.flush()
}

/// Bytes of memory that the calling process has resident.
///
/// # Errors
/// `/proc` is not there.
pub fn resident() -> Result<u64> {
    let statm = std::fs::read_to_string("/proc/self/statm")?;
    let pages: u64 = statm.split_whitespace().nth(1).ok_or("statm has a second field")?.parse()?;
    let page = sysconf(SysconfVar::PAGE_SIZE)?.ok_or("pages have a size")?;
    Ok(pages * page as u64)
}

/// Allows the calling process as many descriptors as it may have.
///
/// # Errors
/// What the system says, or that `wanted` are more than it may have.
pub fn raise_descriptors(wanted: u64) -> Result<()> {
    let (_, hard) = getrlimit(Resource::RLIMIT_NOFILE)?;
    if hard < wanted {
        return Err(format!("{wanted} descriptors are needed, the hard limit is {hard}").into());
    }
    Ok(setrlimit(Resource::RLIMIT_NOFILE, hard, hard)?)
}
