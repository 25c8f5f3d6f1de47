//! The figures of the process, as data.

use std::sync::OnceLock;
use std::time::{Duration, SystemTime};
use std::{env, process};

use super::control_group;
use super::proc::{self, Stat, Status};

/// What is known of this process at one moment. What the platform does not tell is `None`.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Usage {
    /// Its number.
    pub pid: u32,
    /// What it runs on.
    pub platform: Platform,
    /// When it began, to a second. It stays the same, whatever happens to the clock meanwhile.
    pub started_at: Option<SystemTime>,
    /// How long ago that was.
    pub uptime: Option<Duration>,
    /// Resident memory in bytes.
    pub resident_memory: Option<u64>,
    /// Address space in bytes.
    pub virtual_memory: Option<u64>,
    /// What its control group may have of memory in bytes, the strictest of those it is inside of; `None` without a limit.
    pub memory_limit: Option<u64>,
    /// Processor time, of the user and the system together, to 10 ms.
    pub cpu_time: Option<Duration>,
    /// Open file descriptors.
    pub open_files: Option<u64>,
    /// How many of them there may be; `None` without a limit.
    pub open_files_limit: Option<u64>,
    /// Threads.
    pub threads: Option<u64>,
}

/// What a process runs on.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Platform {
    /// As in `linux`.
    pub os: &'static str,
    /// As in `x86_64`.
    pub arch: &'static str,
    /// The kernel's release, as in `6.12.0`.
    pub kernel: Option<String>,
}

impl Usage {
    pub(super) fn read() -> Self {
        let stat = proc::read("/proc/self/stat").map_or_else(|_| Stat::default(), |text| Stat::parse(&text));
        let status = proc::read("/proc/self/status").map_or_else(|_| Status::default(), |text| Status::parse(&text));
        let since_boot = proc::figure("/proc/uptime", proc::since_boot).ok();
        Self {
            pid: process::id(),
            platform: Platform::read(),
            started_at: stat.started.and_then(started_at),
            uptime: since_boot.zip(stat.started).map(|(now, started)| now.saturating_sub(started)),
            resident_memory: status.resident,
            virtual_memory: stat.address_space,
            memory_limit: control_group::memory_limit(),
            cpu_time: stat.cpu_time,
            open_files: proc::open_files(),
            open_files_limit: proc::figure("/proc/self/limits", proc::open_files_limit).ok(),
            threads: stat.threads,
        }
    }
}

impl Platform {
    fn read() -> Self {
        static KERNEL: OnceLock<Option<String>> = OnceLock::new();
        let kernel = KERNEL.get_or_init(|| {
            let release = proc::read("/proc/sys/kernel/osrelease").ok()?;
            Some(release.trim().to_owned()).filter(|release| !release.is_empty())
        });
        Self { os: env::consts::OS, arch: env::consts::ARCH, kernel: kernel.clone() }
    }
}

/// The kernel tells when it was booted by the wall clock, and moves that when the clock is set. So it is asked once, which also
/// spares a file that is long where there are many processors.
fn started_at(since_boot: Duration) -> Option<SystemTime> {
    static STARTED: OnceLock<Option<SystemTime>> = OnceLock::new();
    *STARTED.get_or_init(|| {
        let boot = proc::figure("/proc/stat", proc::boot_time).ok()?;
        SystemTime::UNIX_EPOCH.checked_add(boot)?.checked_add(since_boot)
    })
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use std::fs::File;

    use super::*;

    #[test]
    fn this_process() {
        let file = File::open("/proc/self/stat").expect("there is /proc");
        let usage = Usage::read();
        drop(file);
        assert_eq!((usage.pid, usage.platform.os), (process::id(), "linux"));
        assert!(
            usage.platform.kernel.as_deref().is_some_and(|kernel| kernel.starts_with(char::is_numeric)),
            "{usage:?}"
        );
        assert!(usage.resident_memory > Some(100_000), "{usage:?}");
        assert!(usage.virtual_memory > usage.resident_memory, "{usage:?}");
        // stdin, stdout, stderr and the file.
        assert!(usage.open_files >= Some(4) && usage.threads >= Some(1), "{usage:?}");
        assert!(usage.cpu_time.is_some() && usage.uptime < Some(Duration::from_secs(86_400)), "{usage:?}");
        let age = SystemTime::now().duration_since(usage.started_at.expect("known")).expect("in the past");
        assert!(age < Duration::from_secs(86_400), "{usage:?}");
    }

    #[test]
    fn the_start_stays_where_it_is() {
        assert_eq!(Usage::read().started_at, Usage::read().started_at);
    }

    #[test]
    fn what_is_taken_is_seen() {
        let before = super::super::resident_memory().expect("known");
        let taken = vec![1_u8; 100 << 20];
        let after = super::super::resident_memory().expect("known");
        drop(std::hint::black_box(taken));
        // Other tests give memory back meanwhile, but not that much.
        assert!(after > before + (50 << 20), "{before} {after}");
    }
}
