//! A service that runs.

use std::fmt;
use std::net::SocketAddr;
use std::os::unix::process::ExitStatusExt as _;
use std::path::{Path, PathBuf};
use std::process::Child;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::sys::signal::{kill, killpg};
use nix::sys::wait::{Id, WaitPidFlag, WaitStatus, waitid};
use nix::unistd::Pid;
use serde_json::Value;
use tempfile::TempDir;

use crate::kernel;
use crate::output::{Line, Output, transcript};
use crate::stream::Held;
use crate::{Exit, PATIENCE, Signal};

/// How long a service that is dropped may take before it is killed.
const LAST_CHANCE: Duration = Duration::from_millis(500);

/// A process under test. Dropped, it is terminated, then killed, then reaped, with everything in its process group.
pub struct Running {
    child: Child,
    parts: Parts,
    started: Instant,
    signalled: Mutex<Option<Signalled>>,
    /// Told when the process has ended; it is reaped by `wait` or `drop` only, so its pid stays its own until then.
    ended: Receiver<Instant>,
    reaped: bool,
}

/// What belongs to the process.
pub(crate) struct Parts {
    pub(crate) name: String,
    pub(crate) program: PathBuf,
    pub(crate) wrapper_forks: bool,
    pub(crate) output: Arc<Output>,
    pub(crate) report: PathBuf,
    pub(crate) scratch: Option<TempDir>,
    /// Held only to be dropped with it.
    pub(crate) _held: Held,
}

#[derive(Clone, Copy, Debug)]
struct Signalled {
    first: Instant,
    last: Instant,
}

impl Running {
    pub(crate) fn new(child: Child, parts: Parts) -> Self {
        let (tell, ended) = mpsc::channel();
        let pid = pid_of(&child);
        thread::spawn(move || {
            while waitid(Id::Pid(pid), WaitPidFlag::WEXITED | WaitPidFlag::WNOWAIT) == Err(Errno::EINTR) {}
            // Nobody listens when the service was dropped meanwhile.
            let _ = tell.send(Instant::now());
        });
        Self { child, parts, started: Instant::now(), signalled: Mutex::new(None), ended, reaped: false }
    }

    /// The service's process id, as the test sees it: under a wrapper that forks, that of the wrapper's child.
    #[must_use]
    #[track_caller]
    pub fn pid(&self) -> Pid {
        let pid = pid_of(&self.child);
        if !self.parts.wrapper_forks {
            return pid;
        }
        kernel::child_of(pid).unwrap_or_else(|| panic!("the wrapper has no child; {self}"))
    }

    /// A directory for the test's own files, removed with the service.
    #[must_use]
    pub fn scratch(&self) -> &Path {
        self.parts.scratch.as_ref().expect("it is there until the wait").path()
    }

    /// Sends a signal to the service.
    #[track_caller]
    pub fn signal(&self, signal: Signal) {
        let pid = self.pid();
        let now = Instant::now();
        let mut signalled = self.signalled.lock().unwrap_or_else(PoisonError::into_inner);
        signalled.get_or_insert(Signalled { first: now, last: now }).last = now;
        drop(signalled);
        if let Err(error) = kill(pid, signal) {
            panic!("{signal} cannot be sent: {error}; {self}");
        }
    }

    /// Sends a signal at least `gap` after the last one: where the time between signals is what is tested.
    #[track_caller]
    pub fn signal_after(&self, gap: Duration, signal: Signal) {
        let last = self.signalled.lock().unwrap_or_else(PoisonError::into_inner).map(|signalled| signalled.last);
        thread::sleep(last.map_or(Duration::ZERO, |last| gap.saturating_sub(last.elapsed())));
        self.signal(signal);
    }

    /// Waits until the process handles a signal, as the kernel tells: `graceful` does before any code of the user's runs.
    #[track_caller]
    pub fn wait_handles(&self, signal: Signal) {
        let deadline = Instant::now() + PATIENCE;
        // A shell that is to become the service may handle signals of its own before it does.
        while !kernel::runs(self.pid(), &self.parts.program) || self.mask("SigCgt:") >> (signal as u32 - 1) & 1 == 0 {
            assert!(Instant::now() < deadline, "it never handled {signal}; {self}");
            // There is no event for this; it takes microseconds, which a test wants to meet.
            std::hint::spin_loop();
        }
    }

    /// Waits until the process is stopped, as `SIGSTOP` does after a while.
    #[track_caller]
    pub fn wait_stopped(&self) {
        let deadline = Instant::now() + PATIENCE;
        while !kernel::status(self.pid(), "State:").starts_with('T') {
            assert!(Instant::now() < deadline, "it was never stopped; {self}");
            thread::yield_now();
        }
    }

    /// A signal mask of the process, as `/proc/<pid>/status` shows it: `SigCgt:`, `SigIgn:`, `SigBlk:`.
    #[must_use]
    pub fn mask(&self, name: &str) -> u64 {
        u64::from_str_radix(&kernel::status(self.pid(), name), 16).unwrap_or_default()
    }

    /// The address in the ready line `listening on http://127.0.0.1:8080`, or `… on tcp://…`, or `… on 127.0.0.1:8080`.
    #[must_use]
    #[track_caller]
    pub fn address(&self) -> SocketAddr {
        self.address_after("listening on ")
    }

    /// The address in the first line on stdout that begins like this, as `admin on `.
    #[must_use]
    #[track_caller]
    pub fn address_after(&self, beginning: &str) -> SocketAddr {
        let line = self.wait_line(|line| matches!(line, Line::Out(text) if text.starts_with(beginning)), PATIENCE);
        let text = line.text()[beginning.len()..].split_whitespace().next().unwrap_or_default();
        let address = text.split_once("://").map_or(text, |(_, address)| address).trim_end_matches('/');
        address.parse().unwrap_or_else(|error| panic!("{address:?} is no address: {error}; {self}"))
    }

    /// Waits for a line, also one that came before.
    #[track_caller]
    pub fn wait_line(&self, wanted: impl Fn(&Line) -> bool, timeout: Duration) -> Line {
        match self.parts.output.find(0, wanted, timeout) {
            Some((line, _)) => line,
            None => panic!("the line did not come within {timeout:?}, or ever; {self}"),
        }
    }

    /// Waits for a line that contains this text, also one that came before.
    #[track_caller]
    pub fn wait_text(&self, text: &str) -> Line {
        match self.parts.output.find(0, |line| line.text().contains(text), PATIENCE) {
            Some((line, _)) => line,
            None => panic!("no line with {text:?} came within {PATIENCE:?}, or ever; {self}"),
        }
    }

    /// Waits until this many lines contain this text.
    #[track_caller]
    pub fn wait_count(&self, text: &str, count: usize) {
        let mut from = 0;
        for nth in 1..=count {
            match self.parts.output.find(from, |line| line.text().contains(text), PATIENCE) {
                Some((_, next)) => from = next,
                None => panic!("line {nth} of {count} with {text:?} did not come within {PATIENCE:?}, or ever; {self}"),
            }
        }
    }

    /// Everything it has said so far.
    #[must_use]
    pub fn lines(&self) -> Vec<Line> {
        self.parts.output.lines()
    }

    /// Whether the process has ended by now. It is still to be waited for.
    #[must_use]
    pub fn has_ended(&self) -> bool {
        let look = WaitPidFlag::WEXITED | WaitPidFlag::WNOHANG | WaitPidFlag::WNOWAIT;
        !matches!(waitid(Id::Pid(pid_of(&self.child)), look), Ok(WaitStatus::StillAlive) | Err(Errno::EINTR))
    }

    /// Waits for the end of the process, which has to come by itself.
    #[track_caller]
    pub fn wait(mut self, timeout: Duration) -> Exit {
        let ended = match self.ended.recv_timeout(timeout) {
            Ok(ended) => ended,
            Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => {
                panic!("it did not end within {timeout:?}; {self}{}", kernel::threads(self.pid()))
            }
        };
        let status = self.child.wait().expect("it has ended and nobody else reaps it");
        self.reaped = true;
        self.parts.output.wait_closed(Duration::from_secs(5));
        let first = self.signalled.lock().unwrap_or_else(PoisonError::into_inner).map(|signalled| signalled.first);
        Exit {
            name: self.parts.name.clone(),
            code: status.code(),
            signal: status.signal(),
            took: first.map(|first| ended.saturating_duration_since(first)),
            ran: ended.saturating_duration_since(self.started),
            lines: self.parts.output.lines(),
            report: read_report(&self.parts.report),
            scratch: self.parts.scratch.take(),
        }
    }

    /// Sends `SIGTERM` and waits for the end.
    #[must_use]
    #[track_caller]
    pub fn stop(self) -> Exit {
        self.signal(Signal::SIGTERM);
        self.wait(PATIENCE)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if self.reaped {
            return;
        }
        let pid = pid_of(&self.child);
        // A failure means that it has ended; it is reaped all the same.
        let _ = kill(pid, Signal::SIGTERM);
        let _ = self.ended.recv_timeout(LAST_CHANCE);
        let _ = killpg(pid, Signal::SIGKILL);
        let _ = kill(pid, Signal::SIGKILL);
        let _ = self.child.wait();
    }
}

impl fmt::Debug for Running {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Running").field("name", &self.parts.name).field("pid", &self.child.id()).finish_non_exhaustive()
    }
}

impl fmt::Display for Running {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let after = self.started.elapsed();
        write!(f, "{} said within {after:.1?}:\n{}", self.parts.name, transcript(&self.parts.output.lines()))
    }
}

/// Only of a file: `/dev/full` has no end when it is read.
fn read_report(path: &Path) -> Option<Value> {
    if !path.is_file() {
        return None;
    }
    serde_json::from_slice(&std::fs::read(path).ok()?).ok()
}

fn pid_of(child: &Child) -> Pid {
    Pid::from_raw(i32::try_from(child.id()).expect("a pid fits"))
}
