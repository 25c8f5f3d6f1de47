//! Sockets: waiting for one, and what the errors of `accept` mean.

use std::io;
use std::os::windows::io::{AsRawSocket as _, BorrowedSocket};
use std::time::Duration;

use windows_sys::Win32::Networking::WinSock::{
    POLLRDNORM, POLLWRNORM, SOCKET, SOCKET_ERROR, WSAGetLastError, WSAPOLLFD, WSAPoll,
};

/// Waits until a socket is readable, at its end or broken, or `timeout` has passed: `true` if it is.
pub(crate) fn wait_readable(socket: BorrowedSocket<'_>, timeout: Duration) -> io::Result<bool> {
    wait(socket, POLLRDNORM, timeout)
}

/// The same for one that is to have room to write.
pub(crate) fn wait_writable(socket: BorrowedSocket<'_>, timeout: Duration) -> io::Result<bool> {
    wait(socket, POLLWRNORM, timeout)
}

fn wait(socket: BorrowedSocket<'_>, events: i16, timeout: Duration) -> io::Result<bool> {
    let mut polled = WSAPOLLFD { fd: socket.as_raw_socket() as SOCKET, events, revents: 0 };
    // Rounded up: a rest of less than a millisecond would spin.
    let millis = i32::try_from(timeout.as_nanos().div_ceil(1_000_000)).unwrap_or(i32::MAX);
    // SAFETY: the pointer and count describe `polled`, which is not moved during the call; the socket is borrowed for longer
    // than it.
    let ready = unsafe { WSAPoll(&raw mut polled, 1, millis) };
    if ready == SOCKET_ERROR {
        // SAFETY: takes nothing and cannot fail.
        return Err(io::Error::from_raw_os_error(unsafe { WSAGetLastError() }));
    }
    Ok(ready > 0)
}

/// Whether an error of `accept` concerns one connection and says nothing about the next.
pub(crate) fn is_of_one_connection(code: i32) -> bool {
    const WSAENETDOWN: i32 = 10050;
    const WSAECONNABORTED: i32 = 10053;
    const WSAECONNRESET: i32 = 10054;
    const WSAETIMEDOUT: i32 = 10060;
    matches!(code, WSAENETDOWN | WSAECONNABORTED | WSAECONNRESET | WSAETIMEDOUT)
}

/// Whether an error of `accept` says that the listener has been shut down: not a thing here.
pub(crate) fn is_shut(_: i32) -> bool {
    false
}
