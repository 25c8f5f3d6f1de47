//! What the system knows of the process.

use std::time::Duration;

use serde_json::{Value, json};

use super::status::millis;
use crate::process::{self, Platform};

/// What cannot be had on this system is `null`.
pub(super) fn process() -> Value {
    let usage = process::usage();
    let Platform { os, arch, kernel, .. } = &usage.platform;
    let kernel = kernel.as_deref().unwrap_or_default();
    json!({
        "pid": usage.pid,
        "platform": format!("{os} {arch} {kernel}").trim_end(),
        "uptime_ms": usage.uptime.map(millis),
        "cpu_seconds": usage.cpu_time.as_ref().map(Duration::as_secs_f64),
        "resident_bytes": usage.resident_memory,
        "virtual_bytes": usage.virtual_memory,
        "memory_limit_bytes": usage.memory_limit,
        "open_files": usage.open_files,
        "open_files_limit": usage.open_files_limit,
        "threads": usage.threads,
    })
}
