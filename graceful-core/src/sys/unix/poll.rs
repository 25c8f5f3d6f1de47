//! Waiting for descriptors.

use std::io;
use std::os::fd::{AsRawFd as _, BorrowedFd};
use std::time::Duration;

use crate::clock;

/// One wait lasts an hour at most; a longer one is several of them.
const LONGEST_POLL: Duration = Duration::from_secs(3600);

/// Waits until some of `fds` are readable, at their end or broken, or `timeout` has passed (never without one).
/// Tells which they are; all `false` means that the time is up.
pub(crate) fn wait_readable<const N: usize>(
    fds: [BorrowedFd<'_>; N],
    timeout: Option<Duration>,
) -> io::Result<[bool; N]> {
    wait(fds.map(|fd| (fd, libc::POLLIN)), timeout)
}

/// The same for one that is to have room to write, and another that is to be readable.
pub(crate) fn wait_writable(
    writable: BorrowedFd<'_>,
    readable: BorrowedFd<'_>,
    timeout: Option<Duration>,
) -> io::Result<[bool; 2]> {
    wait([(writable, libc::POLLOUT), (readable, libc::POLLIN)], timeout)
}

fn wait<const N: usize>(fds: [(BorrowedFd<'_>, libc::c_short); N], timeout: Option<Duration>) -> io::Result<[bool; N]> {
    let until = timeout.and_then(|timeout| clock::now().checked_add(timeout));
    let mut polled = fds.map(|(fd, events)| libc::pollfd { fd: fd.as_raw_fd(), events, revents: 0 });
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

#[cfg(test)]
mod tests {
    use std::io::Write as _;
    use std::os::fd::AsFd as _;

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
}
