//! The process that is stopped.

pub(super) use graceful::Signal;

const SIGNALS: [Signal; 5] = [Signal::Hup, Signal::Int, Signal::Quit, Signal::Term, Signal::Usr2];

/// `TERM`, `sigterm`.
pub(super) fn read_signal(text: &str) -> Result<Signal, String> {
    let name = text.to_ascii_uppercase();
    let name = name.strip_prefix("SIG").unwrap_or(&name);
    let known = SIGNALS.into_iter().find(|signal| signal.name().strip_prefix("SIG") == Some(name));
    known.ok_or_else(|| format!("{text:?} is not known; write TERM, INT, QUIT, HUP or USR2"))
}

#[cfg(not(unix))]
pub(super) use other::Process;
#[cfg(unix)]
pub(super) use unix::Process;

#[cfg(unix)]
mod unix {
    use std::thread;
    use std::time::Duration;

    use rustix::io::Errno;
    use rustix::process::{Pid, kill_process, test_kill_process};

    use super::Signal;

    /// A process of somebody else.
    #[derive(Clone, Debug)]
    pub(crate) struct Process {
        pid: Pid,
        /// It names the process even when its number is given to another one. Older kernels and other systems have none.
        #[cfg(target_os = "linux")]
        handle: Option<std::sync::Arc<std::os::fd::OwnedFd>>,
    }

    impl Process {
        pub(crate) fn open(pid: i32) -> Result<Self, String> {
            let known = Some(pid).filter(|pid| *pid > 0).and_then(Pid::from_raw);
            let known = known.ok_or_else(|| format!("--pid {pid}: a process has a number from 1"))?;
            match test_kill_process(known) {
                Ok(()) => {}
                Err(Errno::SRCH) => return Err(format!("--pid {pid}: there is no such process")),
                Err(Errno::PERM) => return Err(format!("--pid {pid}: it is another user's; try with sudo")),
                Err(error) => return Err(format!("--pid {pid}: {error}")),
            }
            Ok(Self {
                pid: known,
                #[cfg(target_os = "linux")]
                handle: rustix::process::pidfd_open(known, rustix::process::PidfdFlags::empty())
                    .ok()
                    .map(std::sync::Arc::new),
            })
        }

        pub(crate) fn pid(&self) -> i32 {
            self.pid.as_raw_nonzero().get()
        }

        /// What it is called, for whoever has to say yes.
        pub(crate) fn name(&self) -> String {
            let name = std::fs::read_to_string(format!("/proc/{}/comm", self.pid())).unwrap_or_default();
            if name.is_empty() { "whatever that is".to_owned() } else { name.trim().to_owned() }
        }

        pub(crate) fn send(&self, signal: Signal) -> Result<(), String> {
            let number = match signal {
                Signal::Hup => rustix::process::Signal::HUP,
                Signal::Int => rustix::process::Signal::INT,
                Signal::Quit => rustix::process::Signal::QUIT,
                Signal::Usr2 => rustix::process::Signal::USR2,
                _ => rustix::process::Signal::TERM,
            };
            #[cfg(target_os = "linux")]
            if let Some(handle) = &self.handle {
                return rustix::process::pidfd_send_signal(handle, number)
                    .map_err(|error| self.not_sent(signal, error));
            }
            kill_process(self.pid, number).map_err(|error| self.not_sent(signal, error))
        }

        fn not_sent(&self, signal: Signal, error: Errno) -> String {
            format!("{} cannot be sent to process {}: {error}", signal.name(), self.pid())
        }

        /// Waits until it has ended.
        pub(crate) fn wait(&self) {
            #[cfg(target_os = "linux")]
            if let Some(handle) = &self.handle {
                use rustix::event::{PollFd, PollFlags, poll};
                while poll(&mut [PollFd::new(handle, PollFlags::IN)], None) == Err(Errno::INTR) {}
                return;
            }
            while test_kill_process(self.pid) != Err(Errno::SRCH) {
                thread::sleep(Duration::from_millis(1));
            }
        }
    }
}

#[cfg(not(unix))]
mod other {
    use super::Signal;

    /// There are no signals here.
    #[derive(Clone, Debug)]
    pub(crate) enum Process {}

    impl Process {
        pub(crate) fn open(_: i32) -> Result<Self, String> {
            Err("--pid: signals are sent on Unix only; leave it out, and stop the service in another window".to_owned())
        }

        pub(crate) fn pid(&self) -> i32 {
            match *self {}
        }

        pub(crate) fn name(&self) -> String {
            match *self {}
        }

        pub(crate) fn send(&self, _: Signal) -> Result<(), String> {
            match *self {}
        }

        pub(crate) fn wait(&self) {
            match *self {}
        }
    }
}
