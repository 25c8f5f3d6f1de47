//! A server that a service depends on: a real one, in the foreground, in a folder of its own.

use std::fs::File;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use nix::sys::signal::kill;
use nix::unistd::Pid;
use tempfile::TempDir;

use crate::{PATIENCE, Signal, kernel};

/// Killed when it is dropped. It can be frozen, killed and started again at the same address.
#[derive(Debug)]
pub struct Daemon {
    program: PathBuf,
    args: Vec<String>,
    child: Option<Child>,
    folder: TempDir,
}

impl Daemon {
    /// Starts a program in a temporary folder; `FOLDER` in its arguments is replaced.
    #[track_caller]
    pub(crate) fn start(name: &str, program: impl Into<PathBuf>, args: &[&str]) -> Self {
        let folder = TempDir::with_prefix(format!("graceful-{name}-")).expect("a temporary directory can be made");
        let path = folder.path().to_str().expect("a path that is text");
        let args = args.iter().map(|arg| arg.replace("FOLDER", path)).collect();
        let mut daemon = Self { program: program.into(), args, child: None, folder };
        daemon.start_again(&[]);
        daemon
    }

    /// Starts it again, with further arguments.
    #[track_caller]
    pub(crate) fn start_again(&mut self, more: &[&str]) {
        assert!(self.child.is_none(), "it is still running");
        let output = File::options().append(true).create(true).open(self.log()).expect("a file can be written");
        let errors = output.try_clone().expect("a file can be shared");
        let mut command = Command::new(&self.program);
        command.args(&self.args).args(more).current_dir(self.folder.path());
        command.stdin(Stdio::null()).stdout(output).stderr(errors);
        let child = command.spawn();
        self.child =
            Some(child.unwrap_or_else(|error| panic!("{} cannot be started: {error}", self.program.display())));
    }

    /// Waits until `ready` gives something; fails with what the server said when it does not, or when the server ends.
    #[track_caller]
    pub(crate) fn wait_for<T>(&mut self, mut ready: impl FnMut(&Path) -> io::Result<T>) -> T {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let error = match ready(self.folder.path()) {
                Ok(ready) => return ready,
                Err(error) => error,
            };
            let ended = self.child.as_mut().is_some_and(|child| matches!(child.try_wait(), Ok(Some(_))));
            if ended || Instant::now() > deadline {
                let mut said = String::new();
                drop(File::open(self.log()).and_then(|mut log| log.read_to_string(&mut said)));
                panic!("{} is not ready: {error}\n{said}", self.program.display());
            }
            thread::sleep(Duration::from_millis(5));
        }
    }

    /// Its folder.
    #[must_use]
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Stops it where it is: its sockets stay, and nobody answers.
    #[track_caller]
    pub fn freeze(&self) {
        let pid = self.send(Signal::SIGSTOP);
        // That takes a while, and there is no event for it.
        while !kernel::status(pid, "State:").starts_with('T') {
            thread::yield_now();
        }
    }

    /// Lets it go on.
    #[track_caller]
    pub fn thaw(&self) {
        self.send(Signal::SIGCONT);
    }

    /// Kills it.
    pub fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            // One that has ended is reaped all the same.
            drop(child.kill());
            drop(child.wait());
        }
    }

    #[track_caller]
    fn send(&self, signal: Signal) -> Pid {
        let child = self.child.as_ref().expect("it is running");
        let pid = Pid::from_raw(i32::try_from(child.id()).expect("a pid fits"));
        kill(pid, signal).expect("it is running");
        pid
    }

    fn log(&self) -> PathBuf {
        self.folder.path().join("log")
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        self.kill();
    }
}
