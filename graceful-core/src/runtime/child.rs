//! A child process that ends when it is time to stop.

use std::io;
#[cfg(unix)]
use std::os::fd::{AsFd as _, OwnedFd};
use std::process::{ChildStderr, ChildStdin, ChildStdout, Command, ExitStatus};
use std::thread;
use std::time::Duration;
#[cfg(unix)]
use std::time::Instant;

#[cfg(unix)]
use crate::sys;
use crate::{Stop, clock};

/// How often to look for what the system cannot tell us: the end of a child without a descriptor, a deadline brought forward.
const POLL_INTERVAL: Duration = Duration::from_millis(25);
/// What is left of our own time for the child that has to be killed: its end takes a moment.
#[cfg(unix)]
const KILL_MARGIN: Duration = Duration::from_millis(100);
/// How long a killed child may take to disappear. One that takes longer hangs inside the system.
const KILL_PATIENCE: Duration = Duration::from_secs(1);

/// A child process that is told to end when it is time to stop; made by [`Stop::child`].
///
/// # Platform
/// On Unix the child leads a process group of its own: a Ctrl-C at the terminal, which goes to the whole foreground group,
/// reaches only us, and we decide when it is the child's turn.
/// In return such a child cannot read from that terminal.
/// What is sent to the child is sent to the group, that is to its descendants as well, unless they have left the group.
///
/// On Windows there is no polite request: the child is killed when it is time to stop, its descendants are not touched, and
/// a Ctrl-C at the console reaches it as well.
///
/// # Blocking
/// Dropping a child that was not waited for to its end **kills it**, and on Unix its group, and reaps it: no orphan
/// is left that holds ports and files, no zombie, and a panic between spawn and [`wait`](Child::wait) leaves neither.
/// The drop waits for the killed process to disappear, a second at most. To be polite, call `wait`.
#[derive(Debug)]
#[must_use = "dropping the child kills it"]
pub struct Child {
    process: std::process::Child,
    /// Becomes readable when the child has ended.
    #[cfg(unix)]
    ended: Option<OwnedFd>,
    stop: Stop,
    #[cfg_attr(not(unix), allow(dead_code, reason = "no polite request there"))]
    grace: Duration,
    state: State,
}

/// How a child ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ChildEnd {
    /// By itself, before it was time to stop.
    Exited(ExitStatus),
    /// Killed: it did not end within its grace period, or there was none left.
    Killed(ExitStatus),
    /// Within its grace period, after it was asked to. The status is what it made of that: often `signal: 15`.
    Terminated(ExitStatus),
}

#[derive(Clone, Copy, Debug)]
enum State {
    /// Reaped by us.
    Ended(ChildEnd),
    /// Reaped by somebody else: its number may be another process by now and must not be signalled.
    #[cfg_attr(not(unix), allow(dead_code, reason = "a handle there stays its own"))]
    Lost,
    /// Not reaped.
    Running,
}

impl Stop {
    /// Spawns `command` as a child that ends when it is time to stop; [`Child::wait`] sees to that.
    ///
    /// # Errors
    /// Those of [`Command::spawn`].
    ///
    /// # Platform
    /// On Unix the command is set to start in a process group of its own, see [`Child`].
    ///
    /// # Examples
    /// ```
    /// use graceful_core::{BoxError, ChildEnd, Stop};
    /// use std::process::Command;
    /// use std::time::Duration;
    ///
    /// fn backup(stop: &Stop) -> Result<(), BoxError> {
    ///     let mut child = stop.child(Command::new("pg_dump").arg("orders"))?.grace(Duration::from_secs(2));
    ///     match child.wait()? {
    ///         ChildEnd::Exited(status) if status.success() => Ok(()),
    ///         ChildEnd::Exited(status) => Err(format!("the backup failed: {status}").into()),
    ///         ChildEnd::Terminated(_) | ChildEnd::Killed(_) => Err("the backup was interrupted".into()),
    ///     }
    /// }
    /// ```
    pub fn child(&self, command: &mut Command) -> io::Result<Child> {
        #[cfg(unix)]
        std::os::unix::process::CommandExt::process_group(command, 0);
        let process = command.spawn()?;
        Ok(Child {
            #[cfg(unix)]
            ended: sys::child_descriptor(process.id()),
            process,
            stop: self.clone(),
            grace: Duration::from_secs(5),
            state: State::Running,
        })
    }
}

impl Child {
    /// How long the child has to end once it is asked to; afterwards it is killed.
    /// A deadline of the [`Stop`] that comes earlier cuts it short. **Default: `5 s`**
    pub fn grace(mut self, grace: Duration) -> Self {
        self.grace = grace;
        self
    }

    /// The process's id, on Unix also that of its group.
    #[must_use]
    pub fn id(&self) -> u32 {
        self.process.id()
    }

    /// The child's standard input, if it is piped and was not taken before.
    pub fn stdin(&mut self) -> Option<ChildStdin> {
        self.process.stdin.take()
    }

    /// The child's standard output, if it is piped and was not taken before.
    /// Somebody must read it: a child whose pipe is full waits for ever.
    pub fn stdout(&mut self) -> Option<ChildStdout> {
        self.process.stdout.take()
    }

    /// The child's standard error, if it is piped and was not taken before.
    /// Somebody must read it: a child whose pipe is full waits for ever.
    pub fn stderr(&mut self) -> Option<ChildStderr> {
        self.process.stderr.take()
    }

    /// Waits for the child to end, and makes it end when it is time to stop.
    ///
    /// At the stop its group is sent `SIGTERM`. What has not ended after the [grace period](Child::grace), at the token's
    /// [deadline](Stop::deadline) or when the token is [cancelled](Stop::is_cancelled) is killed.
    /// When the child itself has ended after it was asked to, the rest of its group is killed at once: it is the child's part
    /// to wait for its own children.
    /// A child that ends by itself leaves its descendants alone.
    ///
    /// Standard input, if it is piped and was not taken, is closed first. A second call answers the same.
    ///
    /// # Errors
    /// - when something else in the process has reaped the child (`waitpid(-1)`, or `SIGCHLD` is ignored);
    /// - `PermissionDenied` when it may not be signalled, as a program that became another user;
    /// - `TimedOut` when it was killed and yet is there a second later, hanging inside the system.
    ///
    /// # Blocking
    /// Until the child has ended. Woken by its end and by the stop; where the system has no descriptor for a process (only
    /// Linux 5.3 and later have one) it looks for the end every 25 ms.
    pub fn wait(&mut self) -> io::Result<ChildEnd> {
        match self.state {
            State::Ended(end) => return Ok(end),
            State::Lost => return Err(lost()),
            State::Running => {}
        }
        drop(self.process.stdin.take());
        if self.ends_before_stop()? { self.reap(ChildEnd::Exited) } else { self.terminate() }
    }

    /// Politely, then not.
    #[cfg(unix)]
    fn terminate(&mut self) -> io::Result<ChildEnd> {
        let until = clock::now().checked_add(self.grace);
        if !self.stop.is_cancelled() {
            // Whoever may not be asked may not be killed either; that is where the error is returned.
            drop(self.signal(sys::GroupSignal::Terminate));
            while let Some(left) = self.grace_left(until) {
                if self.ends_within(left.min(POLL_INTERVAL))? {
                    // Before it is reaped: until then no other group can have its number.
                    drop(self.signal(sys::GroupSignal::Kill));
                    return self.reap(ChildEnd::Terminated);
                }
            }
        }
        self.kill()
    }

    #[cfg(not(unix))]
    fn terminate(&mut self) -> io::Result<ChildEnd> {
        self.kill()
    }

    /// Signals the group, unless its number may have become another's.
    #[cfg(unix)]
    fn signal(&mut self, signal: sys::GroupSignal) -> io::Result<()> {
        self.has_ended()?;
        sys::signal_group(self.process.id(), signal)
    }

    /// What is left of the time to end politely, `None` when it is over. Asked again and again: a second signal shortens it.
    #[cfg(unix)]
    fn grace_left(&self, until: Option<Instant>) -> Option<Duration> {
        if self.stop.is_cancelled() {
            return None;
        }
        let own = until.map_or(Duration::MAX, clock::until);
        let ours = self.stop.deadline().map_or(Duration::MAX, |at| clock::until(at).saturating_sub(KILL_MARGIN));
        Some(own.min(ours)).filter(|left| !left.is_zero())
    }

    fn kill(&mut self) -> io::Result<ChildEnd> {
        #[cfg(unix)]
        let killed = self.signal(sys::GroupSignal::Kill);
        #[cfg(not(unix))]
        let killed = self.process.kill();
        // A child that has just ended may be beyond signals (macOS); it is still to be reaped.
        if let Err(error) = killed
            && !self.has_ended()?
        {
            return Err(error);
        }
        if self.ends_within(KILL_PATIENCE)? {
            self.reap(ChildEnd::Killed)
        } else {
            Err(io::Error::new(io::ErrorKind::TimedOut, "the child was killed, yet hangs inside the system"))
        }
    }

    /// Takes the status of a child that has ended.
    fn reap(&mut self, how: fn(ExitStatus) -> ChildEnd) -> io::Result<ChildEnd> {
        match self.process.wait() {
            Err(error) => Err(self.lose(error)),
            Ok(status) => {
                let end = how(status);
                self.state = State::Ended(end);
                Ok(end)
            }
        }
    }

    /// `true` when the child has ended, `false` when it is time to stop. The end wins.
    fn ends_before_stop(&mut self) -> io::Result<bool> {
        #[cfg(unix)]
        if let (Some(ended), Ok(pipe)) = (&self.ended, self.stop.stops().pipe(self.stop.fires_at())) {
            return sys::wait_readable([ended.as_fd(), pipe.as_fd()], None).map(|[ended, _]| ended);
        }
        loop {
            // Asked before the child is: one that ended before the token fired then always counts as exited.
            let stopping = self.stop.is_stopping();
            let ended = self.has_ended()?;
            if ended || stopping {
                return Ok(ended);
            }
            let _ = self.stop.wait_timeout(POLL_INTERVAL);
        }
    }

    fn ends_within(&mut self, limit: Duration) -> io::Result<bool> {
        #[cfg(unix)]
        if let Some(ended) = &self.ended {
            return sys::wait_readable([ended.as_fd()], Some(limit)).map(|[ended]| ended);
        }
        let until = clock::now().checked_add(limit);
        loop {
            let left = until.map_or(Duration::MAX, clock::until);
            let ended = self.has_ended()?;
            if ended || left.is_zero() {
                return Ok(ended);
            }
            thread::sleep(left.min(POLL_INTERVAL));
        }
    }

    /// Whether it has ended; without reaping it, so that its number stays its own.
    #[cfg(unix)]
    fn has_ended(&mut self) -> io::Result<bool> {
        sys::child_ended(self.process.id()).map_err(|error| self.lose(error))
    }

    #[cfg(not(unix))]
    fn has_ended(&mut self) -> io::Result<bool> {
        self.process.try_wait().map(|status| status.is_some())
    }

    /// The system does not know the child any more: somebody else has reaped it.
    fn lose(&mut self, error: io::Error) -> io::Error {
        #[cfg(unix)]
        if error.raw_os_error() == Some(libc::ECHILD) {
            self.state = State::Lost;
            return lost();
        }
        error
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        if let State::Running = self.state {
            // There is nobody to tell; what cannot be killed or does not disappear stays a child of ours until we end.
            drop(self.kill());
        }
    }
}

fn lost() -> io::Error {
    io::Error::other("the child was reaped by another part of the process")
}

#[cfg(all(test, unix))]
mod tests {
    use std::io::{Read as _, Write as _};
    use std::os::unix::process::ExitStatusExt as _;
    use std::process::Stdio;
    use std::sync::Arc;

    use super::*;
    use crate::runtime::stop::{Stage, Stops};

    const LONG: Duration = Duration::from_secs(20);

    /// A child that has written its first byte: its traps are set.
    fn start(script: &str) -> (Arc<Stops>, Child, ChildStdout) {
        let stops = Stops::new();
        let stop = Stop::new(Arc::clone(&stops), Stage::Draining, Stage::Cancelling);
        let mut command = Command::new("sh");
        command.args(["-c", script]).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = stop.child(&mut command).expect("spawn");
        let mut output = child.stdout().expect("piped");
        next_byte(&mut output);
        (stops, child, output)
    }

    fn next_byte(output: &mut ChildStdout) -> u8 {
        let mut byte = [0];
        output.read_exact(&mut byte).expect("it says something");
        byte[0]
    }

    /// What `action` returns; it must do so within `LONG`.
    fn in_time<T: Send + 'static>(action: impl FnOnce() -> T + Send + 'static) -> T {
        crate::join_timeout(thread::spawn(action), LONG).expect("in time").expect("no panic")
    }

    /// Reads to the end, which comes when the last process that holds the pipe is gone.
    fn everyone_is_gone(mut output: ChildStdout) {
        in_time(move || output.read_to_end(&mut Vec::new())).expect("read");
    }

    /// Runs a case with the descriptor of the child and without.
    fn either_way(case: impl Fn(fn(&mut Child))) {
        case(|_| {});
        case(|child| child.ended = None);
    }

    #[test]
    fn exits_by_itself() {
        either_way(|adapt| {
            let (_stops, mut child, _output) = start("echo r; cat; exit 3");
            adapt(&mut child);
            let ends = in_time(move || [child.wait().expect("wait"), child.wait().expect("again")]);
            assert_eq!(ends, [ChildEnd::Exited(ExitStatus::from_raw(3 << 8)); 2]);
        });
    }

    #[test]
    fn is_asked_to_end_and_does() {
        either_way(|adapt| {
            let script = "trap 'exit 9' TERM; echo r; while :; do sleep 1000 & wait; done";
            let (stops, mut child, output) = start(script);
            adapt(&mut child);
            let waiting = thread::spawn(move || child.wait().expect("wait"));
            stops.raise(Stage::Draining, None);
            let end = in_time(move || waiting.join().expect("no panic"));
            assert_eq!(end, ChildEnd::Terminated(ExitStatus::from_raw(9 << 8)));
            everyone_is_gone(output);
        });
    }

    #[test]
    fn is_killed_with_its_group_when_it_does_not_listen() {
        // What cuts the time short: the grace period, the deadline, the cancellation.
        let now = clock::now();
        for (grace, stage, deadline) in [
            (Duration::from_millis(1), Stage::Draining, None),
            (LONG * 100, Stage::Draining, Some(now)),
            (LONG * 100, Stage::Cancelling, None),
        ] {
            let (stops, child, output) = start("trap '' TERM; echo r; sleep 1000 & while :; do sleep 1000; done");
            let mut child = child.grace(grace);
            stops.raise(stage, deadline);
            let end = in_time(move || child.wait().expect("wait"));
            assert_eq!(end, ChildEnd::Killed(ExitStatus::from_raw(libc::SIGKILL)));
            everyone_is_gone(output);
        }
    }

    #[test]
    fn a_cancellation_ends_the_grace_period() {
        let script = "trap 'echo t' TERM; echo r; while :; do sleep 1000 & wait; done";
        let (stops, child, mut output) = start(script);
        let mut child = child.grace(LONG * 100);
        let waiting = thread::spawn(move || child.wait().expect("wait"));
        stops.raise(Stage::Draining, None);
        while next_byte(&mut output) != b't' {}
        stops.raise(Stage::Cancelling, None);
        let end = in_time(move || waiting.join().expect("no panic"));
        assert!(matches!(end, ChildEnd::Killed(_)));
    }

    #[test]
    fn descendants_outlive_a_child_that_exits_by_itself() {
        let (_stops, mut child, mut output) = start("exec 3<&0; cat <&3 & echo r");
        let mut input = child.stdin().expect("piped");
        assert!(matches!(child.wait().expect("wait"), ChildEnd::Exited(status) if status.success()));
        drop(child);
        input.write_all(b"still here").expect("someone reads");
        drop(input);
        let mut text = String::new();
        output.read_to_string(&mut text).expect("utf-8");
        assert_eq!(text, "\nstill here");
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn a_dropped_child_leaves_nothing_behind() {
        either_way(|adapt| {
            let (_stops, mut child, output) = start("sleep 1000 & echo r; sleep 1000");
            adapt(&mut child);
            let status = format!("/proc/{}/stat", child.id());
            let text = std::fs::read_to_string(&status).expect("it lives");
            let group = text.rsplit(')').next().and_then(|rest| rest.split_whitespace().nth(2)).expect("a group");
            assert_eq!(group, child.id().to_string(), "a group of its own");
            drop(child);
            assert!(!std::fs::exists(&status).expect("proc"), "no zombie");
            everyone_is_gone(output);
        });
    }

    #[test]
    fn a_child_that_others_reaped_is_not_touched() {
        let (stops, mut child, _output) = start("echo r");
        child.process.wait().expect("as another part of the process would");
        stops.raise(Stage::Draining, None);
        child.ended = None;
        assert_eq!(child.wait().expect_err("nothing to wait for").to_string(), lost().to_string());
        assert!(matches!(child.state, State::Lost));
    }
}
