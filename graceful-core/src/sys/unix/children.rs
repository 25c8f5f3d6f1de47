//! Children: when they have ended, and how they are told to.

use std::io;
use std::mem;
#[cfg(any(target_os = "linux", target_os = "android"))]
use std::os::fd::FromRawFd as _;
use std::os::fd::OwnedFd;

/// What [`signal_group`] may send.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum GroupSignal {
    /// `SIGKILL`.
    Kill,
    /// `SIGTERM`.
    Terminate,
}

/// A descriptor that becomes readable when the child `pid` has ended; `None` where the system has no such thing.
/// Only for a child that has not been reaped, whose number can mean no other process.
#[cfg(any(target_os = "linux", target_os = "android"))]
pub(crate) fn child_descriptor(pid: u32) -> Option<OwnedFd> {
    let pid = libc::pid_t::try_from(pid).ok()?;
    // SAFETY: pidfd_open takes two integers and touches no memory of ours.
    let fd = unsafe { libc::syscall(libc::SYS_pidfd_open, pid, 0 as libc::c_uint) };
    let fd = i32::try_from(fd).ok().filter(|fd| *fd >= 0)?;
    // SAFETY: the call above has just opened this descriptor, and nobody else knows it.
    Some(unsafe { OwnedFd::from_raw_fd(fd) })
}

/// A descriptor that becomes readable when the child has ended: this platform has none.
#[cfg(not(any(target_os = "linux", target_os = "android")))]
pub(crate) fn child_descriptor(_pid: u32) -> Option<OwnedFd> {
    None
}

/// Whether the child `pid` has ended. It is not reaped, so its number stays taken.
pub(crate) fn child_ended(pid: u32) -> io::Result<bool> {
    // SAFETY: siginfo_t is plain data for which all zeroes is a valid value.
    let mut info: libc::siginfo_t = unsafe { mem::zeroed() };
    let options = libc::WEXITED | libc::WNOHANG | libc::WNOWAIT;
    // SAFETY: `info` is writable and outlives the call.
    if unsafe { libc::waitid(libc::P_PID, pid as libc::id_t, &mut info, options) } == 0 {
        // It stays zero as long as there is nothing to tell.
        return Ok(info.si_signo != 0);
    }
    Err(io::Error::last_os_error())
}

/// Signals every process of the group that `leader` leads. Only for a leader that has not been reaped.
pub(crate) fn signal_group(leader: u32, signal: GroupSignal) -> io::Result<()> {
    let group = libc::pid_t::try_from(leader).unwrap_or_default();
    if group <= 1 {
        // To kill, group 0 means our own and group 1 every process there is.
        return Err(io::ErrorKind::InvalidInput.into());
    }
    let signal = match signal {
        GroupSignal::Kill => libc::SIGKILL,
        GroupSignal::Terminate => libc::SIGTERM,
    };
    // SAFETY: kill takes two integers and touches no memory.
    if unsafe { libc::kill(-group, signal) } == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}

#[cfg(test)]
mod tests {
    use std::process::Command;
    use std::time::Duration;

    use super::*;
    use crate::clock;

    #[test]
    fn an_ended_child_is_seen_and_not_reaped() {
        let mut child = Command::new("sh").args(["-c", "exit 4"]).spawn().expect("sh");
        let until = clock::now() + Duration::from_secs(10);
        while !child_ended(child.id()).expect("our child") {
            assert!(!clock::until(until).is_zero());
        }
        assert_eq!(child.wait().expect("not reaped yet").code(), Some(4));
        assert!(child_ended(child.id()).is_err());
    }

    #[test]
    fn no_signal_to_everyone() {
        for leader in [0, 1, u32::MAX] {
            assert!(signal_group(leader, GroupSignal::Terminate).is_err());
        }
    }
}
