//! A program under measurement: started, spoken to, ended.

use std::env;
use std::io::{BufRead as _, BufReader};
use std::path::PathBuf;
use std::process::{Child, ChildStdout, Command, Stdio};

use crate::{Result, now};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

/// Killed when it is dropped, if it has not ended.
#[derive(Debug)]
pub struct Program {
    child: Child,
    out: BufReader<ChildStdout>,
    began: u64,
}

impl Program {
    /// Starts one of the binaries beside this one. It gets a clean environment, no stdin, and its stderr goes nowhere.
    ///
    /// # Errors
    /// What the system says.
    pub fn start(binary: &str, args: &[&str]) -> Result<Self> {
        let mut command = command(binary)?;
        command.args(args);
        Self::run(command)
    }

    /// Starts whatever program, with the environment that it was given, no stdin, and a stderr that goes nowhere.
    ///
    /// # Errors
    /// What the system says.
    pub fn run(mut command: Command) -> Result<Self> {
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
        let began = now();
        let program = command.get_program().to_owned();
        let mut child = command.spawn().map_err(|error| format!("{} was not started: {error}", program.display()))?;
        let out = child.stdout.take().ok_or("stdout is a pipe")?;
        Ok(Self { child, out: BufReader::new(out), began })
    }

    /// When it was started: just before the fork.
    #[must_use]
    pub fn began(&self) -> u64 {
        self.began
    }

    /// The next line that it says, without the end of it.
    ///
    /// # Errors
    /// It has ended, or what the system says.
    pub fn line(&mut self) -> Result<String> {
        let mut line = String::new();
        if self.out.read_line(&mut line)? == 0 {
            return Err(format!("the program ended too early: {}", self.child.wait()?).into());
        }
        line.truncate(line.trim_end().len());
        Ok(line)
    }

    /// Sends SIGTERM, and tells when: the time is taken just before.
    ///
    /// # Errors
    /// What the system says.
    pub fn terminate(&self) -> Result<u64> {
        let pid = self.pid();
        let at = now();
        kill(pid, Signal::SIGTERM)?;
        Ok(at)
    }

    /// Waits for its end, and tells when that was seen.
    ///
    /// # Errors
    /// What the system says.
    pub fn wait(&mut self) -> Result<u64> {
        self.child.wait()?;
        Ok(now())
    }

    /// Whether it has ended.
    pub fn has_ended(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(Some(_)))
    }

    /// Its number.
    #[must_use]
    pub fn pid(&self) -> Pid {
        // Invariant: the kernel's own numbers fit its own type.
        Pid::from_raw(self.child.id() as i32)
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        // It fails for one that has ended, and that is fine.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// The command of a binary beside this one.
///
/// # Errors
/// What the system says.
pub fn command(binary: &str) -> Result<Command> {
    let path: PathBuf = env::current_exe()?.with_file_name(binary);
    let mut command = Command::new(path);
    command.env_clear().stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    Ok(command)
}
