//! What the kernel tells of a process, in `/proc`.

use std::fs;
use std::path::{Path, PathBuf};

use nix::unistd::Pid;

/// A line of `/proc/<pid>/status`, as `SigCgt:`.
pub(crate) fn status(pid: Pid, name: &str) -> String {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    status.lines().find_map(|line| line.strip_prefix(name)).unwrap_or_default().trim().to_owned()
}

/// Whether a process runs this program by now.
pub(crate) fn runs(pid: Pid, program: &Path) -> bool {
    fs::read_link(format!("/proc/{pid}/exe")).is_ok_and(|running| running == program)
}

/// Where every thread of a process is: for one that does not end.
pub(crate) fn threads(pid: Pid) -> String {
    let tasks = fs::read_dir(format!("/proc/{pid}/task")).into_iter().flatten().flatten();
    let read = |path: PathBuf| fs::read_to_string(path).unwrap_or_default().trim().to_owned();
    tasks
        .map(|task| {
            let path = task.path();
            let stat = read(path.join("stat"));
            let state = stat.rsplit_once(") ").map_or("?", |(_, rest)| &rest[..1]);
            format!("\n  thread | {} {state} {}", read(path.join("comm")), read(path.join("wchan")))
        })
        .collect()
}

/// The one child of a process.
pub(crate) fn child_of(parent: Pid) -> Option<Pid> {
    let mut pids =
        std::fs::read_dir("/proc").ok()?.flatten().filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    pids.find(|pid: &i32| {
        let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
        let ppid = stat.rsplit_once(") ").and_then(|(_, rest)| rest.split(' ').nth(1)?.parse().ok());
        ppid == Some(parent.as_raw())
    })
    .map(Pid::from_raw)
}
