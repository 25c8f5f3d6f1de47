//! A server that a service depends on: a real one, in the foreground, in a folder of its own.

use std::fmt;
use std::fs::{self, File};
use std::io;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use nix::sys::signal::kill;
use nix::unistd::Pid;
use tempfile::TempDir;

use crate::{PATIENCE, Signal, kernel};

/// Killed when it is dropped. It can be frozen, killed and started again at the same address.
pub struct Daemon {
    program: PathBuf,
    args: Vec<String>,
    ready: Box<Ready>,
    child: Option<Child>,
    folder: TempDir,
}

/// Whether it answers; its folder is given.
type Ready = dyn Fn(&Path) -> io::Result<()> + Send + Sync;

impl Daemon {
    /// Starts a program in a temporary folder, and waits until it is ready; `FOLDER` in its arguments is replaced.
    #[track_caller]
    pub(crate) fn start(
        program: &str,
        args: impl IntoIterator<Item = impl AsRef<str>>,
        ready: impl Fn(&Path) -> io::Result<()> + Send + Sync + 'static,
    ) -> Self {
        let folder = TempDir::with_prefix(format!("graceful-{program}-")).expect("a temporary directory can be made");
        let path = folder.path().to_str().expect("a path that is text");
        let args = args.into_iter().map(|arg| arg.as_ref().replace("FOLDER", path)).collect();
        let mut daemon = Self { program: program.into(), args, ready: Box::new(ready), child: None, folder };
        daemon.restart();
        daemon
    }

    /// Starts it again after it was killed, and waits until it is ready. Fails with what it said when it ends, or is not.
    #[track_caller]
    pub fn restart(&mut self) {
        assert!(self.child.is_none(), "it is still running");
        let output = File::options().append(true).create(true).open(self.log()).expect("a file can be written");
        let errors = output.try_clone().expect("a file can be shared");
        let mut command = Command::new(&self.program);
        command.args(&self.args).current_dir(self.folder.path());
        command.stdin(Stdio::null()).stdout(output).stderr(errors);
        let child = command.spawn();
        let child = child.unwrap_or_else(|error| panic!("{} cannot be started: {error}", self.program.display()));
        let child = self.child.insert(child);
        let deadline = Instant::now() + PATIENCE;
        while let Err(error) = (self.ready)(self.folder.path()) {
            let ended = matches!(child.try_wait(), Ok(Some(_)));
            if ended || Instant::now() > deadline {
                let said = fs::read_to_string(self.log()).unwrap_or_default();
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

impl fmt::Debug for Daemon {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Daemon").field("program", &self.program).field("args", &self.args).finish_non_exhaustive()
    }
}

/// One that was free a moment ago.
pub(crate) fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("there is a free port");
    listener.local_addr().expect("it is bound").port()
}
