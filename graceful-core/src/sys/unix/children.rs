//! Waiting for what happens outside of the process: descriptors that become readable, children that end.

use std::io;
use std::mem;
#[cfg(any(target_os = "linux", target_os = "android"))]
use std::os::fd::FromRawFd as _;
use std::os::fd::{AsRawFd as _, BorrowedFd, OwnedFd};
use std::time::Duration;

use crate::clock;

/// What [`signal_group`] may send.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum GroupSignal {
    /// `SIGKILL`.
    Kill,
    /// `SIGTERM`.
    Terminate,
}

/// One wait lasts an hour at most; a longer one is several of them.
const LONGEST_POLL: Duration = Duration::from_secs(3600);

/// Waits until some of `fds` are readable, at their end or broken, or `timeout` has passed (never without one).
/// Tells which they are; all `false` means that the time is up.
pub(crate) fn wait_readable<const N: usize>(
    fds: [BorrowedFd<'_>; N],
    timeout: Option<Duration>,
) -> io::Result<[bool; N]> {
    let until = timeout.and_then(|timeout| clock::now().checked_add(timeout));
    let mut polled = fds.map(|fd| libc::pollfd { fd: fd.as_raw_fd(), events: libc::POLLIN, revents: 0 });
    loop {
        let left = until.map_or(LONGEST_POLL, clock::until).min(LONGEST_POLL);
        // Rounded up: a rest of less than a millisecond would spin.
        let millis = libc::c_int::try_from(left.as_nanos().div_ceil(1_000_000)).unwrap_or(libc::c_int::MAX);
        // SAFETY: the pointer and count describe `polled`, which is not moved during the call; the descriptors are borrowed
        // for longer than it.
        let ready = unsafe { libc::poll(polled.as_mut_ptr(), N as libc::nfds_t, millis) };
        if ready < 0 {
            let error = io::Error::last_os_error();
            if error.kind() != io::ErrorKind::Interrupted {
                return Err(error);
            }
        } else if ready > 0 || until.is_some_and(|until| clock::until(until).is_zero()) {
            return Ok(polled.map(|fd| fd.revents != 0));
        }
    }
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
    use std::io::Write as _;
    use std::os::fd::AsFd as _;
    use std::process::Command;

    use super::*;

    #[test]
    fn waits_for_data_for_the_end_and_for_the_time() {
        let (reader, mut writer) = io::pipe().expect("pipe");
        let (other, _kept) = io::pipe().expect("pipe");
        let wait = |timeout| wait_readable([reader.as_fd(), other.as_fd()], timeout).expect("poll");
        assert_eq!(wait(Some(Duration::ZERO)), [false, false]);
        assert_eq!(wait(Some(Duration::from_micros(10))), [false, false]);
        writer.write_all(b"x").expect("room");
        assert_eq!(wait(None), [true, false]);
        drop(writer);
        assert_eq!(wait(Some(Duration::MAX)), [true, false]);
    }

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
