//! What the system knows of the process.

use std::fs;

use graceful_core::App;
use serde_json::{Value, json};

use super::status::millis;

/// `sysconf(_SC_CLK_TCK)`, which is 100 on every Linux that there is (proc_pid_stat(5), `USER_HZ`).
const TICKS: f64 = 100.0;

/// What cannot be had on this system is `null`.
pub(super) fn process(app: &App) -> Value {
    let stat = fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    // The second field is the program's name, which may contain anything, `)` as well.
    let fields: Vec<&str> =
        stat.rfind(')').and_then(|end| stat.get(end + 2..)).map_or_else(Vec::new, |rest| rest.split(' ').collect());
    let field = |place: usize| fields.get(place)?.parse::<u64>().ok();
    let resident =
        status.lines().find_map(|line| line.strip_prefix("VmRSS:")?.trim().strip_suffix(" kB")?.parse().ok());
    let cpu = field(11).zip(field(12)).map(|(user, system)| (user + system) as f64 / TICKS);
    // The one that reads the folder is not counted.
    let open = fs::read_dir("/proc/self/fd").ok().map(|open| open.count().saturating_sub(1));
    json!({
        "pid": std::process::id(),
        "platform": format!("{} {}", std::env::consts::OS, std::env::consts::ARCH),
        "uptime_ms": millis(app.status().uptime),
        "cpu_seconds": cpu,
        "resident_bytes": resident.map(|kilobytes: u64| kilobytes * 1024),
        "virtual_bytes": field(20),
        "open_files": open,
        "threads": field(17),
    })
}
